import { decodeRequest, MessageError } from '../../../appliance/kmip/message.ts';
import { fromJson, toJson } from '../../../appliance/encoding/json.ts';
import { fromXml, toXml } from '../../../appliance/encoding/xml.ts';
import { EncodingError } from '../../../appliance/encoding/error.ts';
import { serverLimits } from '../../../appliance/server/limit.ts';
import { decode } from '../../../appliance/ttlv/decode.ts';
import { encode } from '../../../appliance/ttlv/encode.ts';
import { TtlvError } from '../../../appliance/ttlv/error.ts';

/** The message layer, and the encodings of the HTTPS profiles. */
export function fuzz(data: Buffer): void {
  try {
    const { header, items } = decodeRequest(data, serverLimits.message, serverLimits.batchItems);
    if (header.batchCount !== items.length) throw new Error('another number of items');
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
  }
  const text = data.toString();
  for (const read of [fromXml, fromJson]) {
    try {
      read(text, serverLimits.message);
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }
  backAgain(data);
}

/** What TTLV says and XML or JSON can say comes back the same. */
function backAgain(data: Buffer): void {
  let item;
  try {
    item = decode(data);
  } catch {
    return;
  }
  for (const [write, read] of [[toXml, fromXml] as const, [toJson, fromJson] as const]) {
    let again;
    try {
      again = encode(read(write(item), { messageBytes: 1 << 26, depth: 64, items: 1 << 17 }));
    } catch (error) {
      // Tags that KMIP does not have, and text that XML cannot carry.
      if (!isRefusal(error)) throw error;
      continue;
    }
    if (!again.equals(data)) throw new Error(`${write.name}: came back otherwise`);
  }
}

const isRefusal = (error: unknown): boolean =>
  error instanceof EncodingError || error instanceof TtlvError;
