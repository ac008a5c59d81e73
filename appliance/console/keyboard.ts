import { PassThrough } from 'node:stream';
import type { ReadStream } from 'node:tty';

/** What a function key becomes: one character of Unicode's private use, which no one can type. */
export const functionKey = {
  F2: '\ue002',
  F5: '\ue005',
  F8: '\ue008',
  F12: '\ue012',
} as const;

/**
 * What terminals send for them: the Linux console, xterm, VT100 and VT220. A serial line often
 * loses function keys; Escape and then a letter works everywhere.
 */
const sequences: Readonly<Record<string, string>> = {
  '\x1b[[B': functionKey.F2,
  '\x1bOQ': functionKey.F2,
  '\x1b[12~': functionKey.F2,
  '\x1bc': functionKey.F2,
  '\x1b[[E': functionKey.F5,
  '\x1b[15~': functionKey.F5,
  '\x1bOT': functionKey.F5,
  '\x1bn': functionKey.F5,
  '\x1b[19~': functionKey.F8,
  '\x1bOW': functionKey.F8,
  '\x1bd': functionKey.F8,
  '\x1b[24~': functionKey.F12,
  '\x1bO[': functionKey.F12,
  '\x1bp': functionKey.F12,
};

/** Milliseconds after which an Escape that nothing followed was the key of that name. */
const escapeMilliseconds = 60;

/** One key: a sequence that begins with Escape, or one character. */
const oneKey = /\x1b(?:\[\[?[\d;]*[A-Za-z~]|O.|[^\x1b])?|[^]/gsu;

/** The keys that a terminal sent, each by itself; a function key as the character of its own. */
export function keysOf(text: string): readonly string[] {
  return [...text.matchAll(oneKey)].map(([key]) => sequences[key] ?? key);
}

/** Where the end of this text may be the beginning of a function key; -1 where it is none. */
export function endsWithin(text: string): number {
  const at = text.lastIndexOf('\x1b');
  if (at < 0) return -1;
  const tail = text.slice(at);
  return Object.keys(sequences).some((all) => all !== tail && all.startsWith(tail)) ? at : -1;
}

/**
 * A terminal's input, one key at a time, however slowly or many at once they came: what a key
 * changes is on the screen before the next one is read, also when a line is pasted.
 */
export function keyboardOf(terminal: ReadStream): ReadStream {
  const keys = new PassThrough({ objectMode: true });
  const queue: string[] = [];
  const writeOne = (): void => {
    const key = queue.shift();
    if (key === undefined) return;
    keys.write(key);
    if (queue.length > 0) setImmediate(writeOne);
  };
  let held = '';
  let timer: NodeJS.Timeout | undefined;
  const pass = (text: string): void => {
    const isIdle = queue.length === 0;
    queue.push(...keysOf(text));
    if (isIdle) setImmediate(writeOne);
  };
  terminal.setEncoding('utf8');
  terminal.on('data', (chunk) => {
    clearTimeout(timer);
    const text = held + chunk.toString();
    const at = endsWithin(text);
    held = at < 0 ? '' : text.slice(at);
    pass(at < 0 ? text : text.slice(0, at));
    if (held === '') return;
    timer = setTimeout(() => {
      pass(held);
      held = '';
    }, escapeMilliseconds);
  });
  terminal.on('end', () => keys.end());
  return Object.assign(keys, {
    isTTY: true,
    setRawMode: (mode: boolean) => terminal.setRawMode(mode),
    ref: () => terminal.ref(),
    unref: () => terminal.unref(),
  }) as unknown as ReadStream;
}
