const width = 30;

/**
 * Shows how far a long act is: a bar where standard error is a terminal, JSON lines there where
 * JSON was asked for, else nothing. Standard output stays the result's.
 */
export class ProgressBar {
  readonly #json: boolean;
  readonly #what: string;
  #shown = '';

  constructor(what: string, json: boolean) {
    this.#what = what;
    this.#json = json;
  }

  /** `of`: how much there is in all; 0 where only `note` says what is waited for. */
  show(done: number, of: number, note = ''): void {
    const { stderr } = process;
    const value = { progress: { what: this.#what, done, of, ...(note === '' ? {} : { note }) } };
    const text = this.#json ? JSON.stringify(value) : this.#bar(done, of, note);
    if (text === this.#shown || !(this.#json || stderr.isTTY)) return;
    this.#shown = text;
    stderr.write(this.#json ? `${text}\n` : `\r\u001b[K${text}`);
  }

  /** Leaves the line that the bar had. */
  end(): void {
    if (!this.#json && process.stderr.isTTY && this.#shown !== '')
      process.stderr.write('\r\u001b[K');
  }

  #bar(done: number, of: number, note: string): string {
    if (of === 0) return `${this.#what}: ${note}`;
    const full = Math.round((width * Math.min(done, of)) / of);
    const bar = '#'.repeat(full).padEnd(width, '.');
    return `${this.#what} [${bar}] ${done} of ${of}${note === '' ? '' : `, ${note}`}`;
  }
}
