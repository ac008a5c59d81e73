import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

const patience = 150_000;
const pause = 100;

/** A terminal of 80 by 25 in which a program runs; needs tmux. */
export class Screen {
  readonly #server = `twinlock-${randomBytes(6).toString('hex')}`;

  readonly #patience: number;

  /** `words`: the program and its arguments; `wait`: milliseconds that `until` may take. */
  constructor(
    words: readonly string[],
    size: readonly [number, number] = [80, 25],
    wait = patience,
  ) {
    this.#patience = wait;
    const command = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    const [columns, rows] = size.map(String) as [string, string];
    const kept = ['set-option', '-g', 'remain-on-exit', 'on', ';'];
    const session = ['new-session', '-d', '-x', columns, '-y', rows, '-e', 'TERM=xterm', command];
    this.#tmux(...kept, ...session);
  }

  /** What it shows, line by line, without the blanks at their ends. */
  get lines(): readonly string[] {
    return this.#tmux('capture-pane', '-p').split('\n').slice(0, -1);
  }

  /** Waits until it shows this. Throws with the whole screen where it never does. */
  async until(wanted: RegExp): Promise<readonly string[]> {
    const end = Date.now() + this.#patience;
    for (;;) {
      const { lines } = this;
      if (wanted.test(lines.join('\n'))) return lines;
      if (Date.now() > end) {
        throw new Error(`it never showed ${wanted.source}:\n${lines.join('\n')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /** Types keys by tmux's names: F2, Enter, Escape, Down. */
  press(...keys: readonly string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  type(text: string): void {
    this.#tmux('send-keys', '-l', text);
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  close(): void {
    this.#tmux('kill-server');
  }

  #tmux(...words: readonly string[]): string {
    return execFileSync('tmux', ['-L', this.#server, '-f', '/dev/null', ...words], {
      encoding: 'utf8',
    });
  }
}
