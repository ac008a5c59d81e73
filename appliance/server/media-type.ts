import { EncodingError } from '../encoding/error.ts';
import { fromJson, toJson } from '../encoding/json.ts';
import { fromXml, toXml } from '../encoding/xml.ts';
import { ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import { decode } from '../ttlv/decode.ts';
import { encode } from '../ttlv/encode.ts';
import type { Item } from '../ttlv/item.ts';
import type { Limits } from '../ttlv/limit.ts';
import { serverLimits } from './limit.ts';

/** One encoding of messages in HTTP bodies. What it says is always what TTLV would. */
export interface MediaType {
  readonly name: string;
  /** The longest body that is read. */
  readonly bytesMost: number;
  /** The message as TTLV; an error for what cannot be read. */
  readonly toTtlv: (body: Buffer) => Buffer | Error;
  readonly fromTtlv: (message: Buffer) => Buffer;
}

const { message } = serverLimits;

const binary: MediaType = {
  name: 'application/octet-stream',
  bytesMost: message.messageBytes,
  toTtlv: (body) => Buffer.from(body),
  fromTtlv: (bytes) => Buffer.from(bytes),
};

/** Strings cannot be overwritten: what they held stays in memory until it is used anew. */
function textual(
  name: string,
  read: (text: string, limits: Limits) => Item,
  write: (item: Item) => string,
): MediaType {
  return {
    name,
    bytesMost: message.messageBytes * serverLimits.textFactor,
    toTtlv(body) {
      try {
        const item = read(body.toString('utf8'), message);
        if (item.tag !== Tag.RequestMessage) throw new EncodingError('not a request');
        return encode(item);
      } catch (error) {
        // A RangeError is a pattern that ran out of room on what no honest client sends.
        if (!(error instanceof EncodingError || error instanceof RangeError)) throw error;
        return new KmipError(ResultReason.InvalidMessage, 'Not a KMIP request message');
      }
    },
    fromTtlv: (bytes) => Buffer.from(write(decode(bytes, serverLimits.answer)), 'utf8'),
  };
}

/** By Content-Type. */
export const mediaTypes: ReadonlyMap<string, MediaType> = new Map(
  [
    binary,
    textual('text/xml', fromXml, toXml),
    textual('application/xml', fromXml, toXml),
    textual('application/json', fromJson, toJson),
  ].map((each) => [each.name, each]),
);
