/** Bytes a secret may have: a passphrase, a PIN, a share. */
export const secretBytes = 512;

/** What is typed and never shown: kept in one buffer that is overwritten when it was used. */
export class Secret {
  readonly #bytes = Buffer.alloc(secretBytes);
  #length = 0;

  /** How many characters were typed. */
  get length(): number {
    return Array.from(this.#bytes.toString('utf8', 0, this.#length)).length;
  }

  type(text: string): void {
    const added = this.#bytes.write(text, this.#length, 'utf8');
    this.#length += added;
  }

  /** Takes back the last character, however many bytes it has. */
  backspace(): void {
    let at = this.#length - 1;
    while (at > 0 && ((this.#bytes[at] ?? 0) & 0xc0) === 0x80) at -= 1;
    this.#bytes.fill(0, Math.max(0, at), this.#length);
    this.#length = Math.max(0, at);
  }

  /** A copy for whoever needs it, who wipes it. */
  copy(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  equals(other: Secret): boolean {
    return this.#bytes.equals(other.#bytes);
  }

  wipe(): void {
    this.#bytes.fill(0);
    this.#length = 0;
  }
}
