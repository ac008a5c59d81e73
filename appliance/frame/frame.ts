/**
 * The frames that the appliance's own processes speak over Unix sockets: a length (4 bytes, of what
 * follows), a kind (1), an identifier (4) that the answer repeats, and a payload. Fixed and binary,
 * because the keeper and the token process run without a just-in-time compiler.
 */
export interface Frame {
  readonly kind: number;
  readonly id: number;
  readonly payload: Buffer;
}

const headBytes = 9;

/** The bytes of one frame. */
export function encodeFrame(kind: number, id: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafeSlow(headBytes + payload.length);
  bytes.writeUInt32BE(payload.length + 5, 0);
  bytes[4] = kind;
  bytes.writeUInt32BE(id, 5);
  bytes.set(payload, headBytes);
  return bytes;
}

/** A peer that sends what is no frame, or one beyond the limit. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Cuts a stream into frames; each payload is memory of its own, so that it can be wiped. */
export class FrameSplitter {
  readonly #limit: number;
  readonly #head = Buffer.alloc(headBytes);
  #body: Buffer | undefined;
  #filled = 0;

  /** `limit`: the longest payload in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Throws FrameError; the stream cannot be read on after that. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let rest = chunk;
    for (;;) {
      const target: Buffer = this.#body ?? this.#head;
      const taken = Math.min(target.length - this.#filled, rest.length);
      target.set(rest.subarray(0, taken), this.#filled);
      this.#filled += taken;
      rest = rest.subarray(taken);
      if (this.#filled < target.length) return frames;
      this.#filled = 0;
      if (this.#body === undefined) {
        this.#body = this.#begin();
      } else {
        frames.push({
          kind: this.#head.readUInt8(4),
          id: this.#head.readUInt32BE(5),
          payload: this.#body,
        });
        this.#body = undefined;
      }
    }
  }

  #begin(): Buffer {
    const length = this.#head.readUInt32BE(0) - 5;
    if (length < 0 || length > this.#limit) throw new FrameError('a frame of impossible length');
    return Buffer.allocUnsafeSlow(length);
  }
}
