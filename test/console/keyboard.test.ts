import { PassThrough } from 'node:stream';
import type { ReadStream } from 'node:tty';
import test from 'ava';
import { functionKey, keyboardOf, keysOf } from '../../appliance/console/keyboard.ts';

const { F2, F5, F8, F12 } = functionKey;

/** What a program reads of a terminal that sends these chunks, each once the last was read. */
async function read(chunks: readonly string[], count: number): Promise<readonly string[]> {
  const terminal = new PassThrough();
  const keys = keyboardOf(terminal as unknown as ReadStream);
  const found: string[] = [];
  const done = new Promise<void>((resolve) => {
    keys.on('data', (key: string) => {
      if (found.push(key) === count) resolve();
    });
  });
  for (const chunk of chunks) {
    terminal.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await done;
  return found;
}

test('function keys of the Linux console, xterm and VT100 are the same keys', (t) => {
  t.deepEqual(keysOf('\x1b[[B\x1bOQ\x1b[12~'), [F2, F2, F2]);
  t.deepEqual(keysOf('\x1b[[E\x1b[15~'), [F5, F5]);
  t.deepEqual(keysOf('\x1b[19~\x1b[24~'), [F8, F12]);
});

test('on a line without function keys Escape and a letter stand for them', (t) => {
  t.deepEqual(keysOf('\x1bc\x1bn\x1bd\x1bp'), [F2, F5, F8, F12]);
});

test('a pasted line is its keys, arrows stay whole', (t) => {
  t.deepEqual(keysOf('a é\r\x1b[A'), ['a', ' ', 'é', '\r', '\x1b[A']);
});

test('a key that a slow line cuts in pieces is put together', async (t) => {
  t.deepEqual(await read(['x\x1b', '[2', '4~', 'y'], 3), ['x', F12, 'y']);
});

test('Escape that nothing follows is Escape', async (t) => {
  t.deepEqual(await read(['\x1b'], 1), ['\x1b']);
});
