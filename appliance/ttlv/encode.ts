import type { Item } from './item.ts';
import { typeByte } from './type.ts';

/**
 * Writes items in one pass into one growing buffer; the length of a structure is put in its place
 * when the structure ends. `finish` hands the bytes over and leaves the writer empty.
 */
export class Writer {
  #bytes: Buffer;
  #length = 0;

  constructor(size = 512) {
    this.#bytes = Buffer.allocUnsafeSlow(size);
  }

  item(item: Item): void {
    switch (item.type) {
      case 'Structure':
        this.structure(item.tag, () => {
          for (const child of item.value) this.item(child);
        });
        return;
      case 'Integer':
        this.#header(item.tag, typeByte.Integer, 4, 8).writeInt32BE(item.value, this.#length - 8);
        return;
      case 'Enumeration':
      case 'Interval':
        this.#header(item.tag, typeByte[item.type], 4, 8).writeUInt32BE(
          item.value,
          this.#length - 8,
        );
        return;
      case 'LongInteger':
      case 'DateTime':
      case 'DateTimeExtended':
        this.#header(item.tag, typeByte[item.type], 8, 8).writeBigInt64BE(
          item.value,
          this.#length - 8,
        );
        return;
      case 'Boolean':
        this.#header(item.tag, typeByte.Boolean, 8, 8)[this.#length - 1] = item.value ? 1 : 0;
        return;
      case 'TextString': {
        const length = Buffer.byteLength(item.value, 'utf8');
        const padded = (length + 7) & ~7;
        const bytes = this.#header(item.tag, typeByte.TextString, length, padded);
        bytes.write(item.value, this.#length - padded, 'utf8');
        return;
      }
      case 'ByteString':
      case 'BigInteger': {
        const padded = (item.value.length + 7) & ~7;
        const bytes = this.#header(item.tag, typeByte[item.type], item.value.length, padded);
        bytes.set(item.value, this.#length - padded);
        return;
      }
    }
  }

  /** Writes a structure whose items `content` writes. */
  structure(tag: number, content: () => void): void {
    this.#header(tag, typeByte.Structure, 0, 0);
    const start = this.#length;
    content();
    this.#bytes.writeUInt32BE(this.#length - start, start - 4);
  }

  /** A view of what was written; the writer must not be used again. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #header(tag: number, type: number, length: number, padded: number): Buffer {
    const start = this.#length;
    this.#reserve(8 + padded);
    const bytes = this.#bytes;
    bytes.writeUIntBE(tag, start, 3);
    bytes[start + 3] = type;
    bytes.writeUInt32BE(length, start + 4);
    // The memory is not zeroed: padding and the upper bytes of short values are.
    bytes.fill(0, start + 8, start + 8 + padded);
    this.#length = start + 8 + padded;
    return bytes;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(larger, 0, 0, this.#length);
    // What is left behind may hold key bytes.
    this.#bytes.fill(0);
    this.#bytes = larger;
  }
}

/** The bytes of one item. */
export function encode(item: Item): Buffer {
  const writer = new Writer();
  writer.item(item);
  return writer.finish();
}
