import { TtlvError } from './error.ts';
import { typeByte } from './type.ts';

/**
 * Cuts a byte stream into whole messages: the 8 bytes of the root item say how long each one is.
 * The root's tag, type and length are checked before any byte of its body is kept, and a body is
 * copied once, however small the pieces in which it comes.
 */
export class FrameReader {
  readonly #root: number;
  readonly #messageBytes: number;
  readonly #header = Buffer.alloc(8);
  #frame: Buffer | undefined;
  #filled = 0;

  /** `root`: the tag every message must begin with; `messageBytes`: the longest one allowed. */
  constructor(root: number, messageBytes: number) {
    this.#root = root;
    this.#messageBytes = messageBytes;
  }

  /** True while part of a message has come and the rest has not. */
  get pending(): boolean {
    return this.#filled > 0;
  }

  /**
   * Takes the next bytes of the stream; gives the messages that are now whole.
   * Throws TtlvError `unexpected-item` or `too-large`; the stream cannot be read on after that.
   */
  push(chunk: Uint8Array): Buffer[] {
    const frames: Buffer[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      const target = this.#frame ?? this.#header;
      const taken = Math.min(target.length - this.#filled, rest.length);
      target.set(rest.subarray(0, taken), this.#filled);
      this.#filled += taken;
      rest = rest.subarray(taken);
      if (this.#frame === undefined && this.#filled === 8) this.#begin();
      if (this.#frame !== undefined && this.#filled === this.#frame.length) {
        frames.push(this.#frame);
        this.#frame = undefined;
        this.#filled = 0;
      }
    }
    return frames;
  }

  #begin(): void {
    const header = this.#header;
    if (header.readUIntBE(0, 3) !== this.#root || header[3] !== typeByte.Structure) {
      throw new TtlvError('unexpected-item', 0);
    }
    const length = header.readUInt32BE(4);
    if (length + 8 > this.#messageBytes) throw new TtlvError('too-large', 4);
    this.#frame = Buffer.alloc(length + 8);
    this.#frame.set(header);
  }
}
