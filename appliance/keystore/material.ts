import { createHmac, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import type { KeyMaterial } from './keystore.ts';
import type { MaterialContext } from './managed-object.ts';
import { decodeValue } from './payload.ts';
import type { Payloads } from './payload.ts';
import type { RecordHead } from './record.ts';

/** Secret bytes that are overwritten at the end of the block that `using` them. */
export class OpenMaterial implements KeyMaterial {
  readonly #bytes: Buffer;

  /** Takes the bytes over. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  [Symbol.dispose](): void {
    this.#bytes.fill(0);
  }

  toJSON(): string {
    return this.toString();
  }

  toString(): string {
    return `KeyMaterial(${this.#bytes.length} bytes)`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/**
 * The additional authenticated data of a sealed secret: what it belongs to, so that sealed bytes
 * moved to another row, group or cluster do not open. The keeper adds the generation.
 */
export function contextBytes(cluster: string, context: MaterialContext): Buffer {
  const { group, uniqueIdentifier, objectType, algorithm, length } = context;
  return Buffer.from(
    JSON.stringify([
      'twinlock material 1',
      cluster,
      group,
      uniqueIdentifier,
      objectType,
      algorithm,
      length,
    ]),
  );
}

/** What a creation says of its object's secret; undefined for records of other kinds. */
export function creationOf(head: RecordHead):
  | {
      readonly context: MaterialContext;
      /** HMAC in hexadecimal; absent for an object without a secret. */
      readonly commitment?: string;
    }
  | undefined {
  if (head.kind !== 'object-created') return undefined;
  const payload = JSON.parse(head.payload) as Payloads['object-created'];
  const { group, type, attributes, commitment } = payload;
  const integer = (name: string): number => {
    const found = attributes.find((attribute) => attribute[0] === name);
    const value = found && decodeValue(Buffer.from(found[2], 'hex')).value;
    return typeof value === 'number' ? value : 0;
  };
  const context = {
    uniqueIdentifier: head.object,
    group,
    objectType: type as MaterialContext['objectType'],
    algorithm: integer('Cryptographic Algorithm'),
    length: integer('Cryptographic Length'),
  };
  return commitment === null ? { context } : { context, commitment };
}

/** What a record says of a secret without saying it: HMAC-SHA-256 under the commitment key. */
export function commit(key: KeyObject, context: Buffer, secret: Uint8Array): Buffer {
  return createHmac('sha256', key).update(context).update(secret).digest();
}

export function isCommitted(
  key: KeyObject,
  context: Buffer,
  secret: Uint8Array,
  commitment: Uint8Array,
): boolean {
  const right = commit(key, context, secret);
  return commitment.length === right.length && timingSafeEqual(right, commitment);
}
