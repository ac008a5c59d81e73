import * as message from '../../../appliance/replication/message.ts';
import { decodeHead } from '../../../appliance/keystore/record.ts';
import { decodeForm, decodeValue } from '../../../appliance/keystore/payload.ts';
import { FrameError, FrameSplitter } from '../../../appliance/frame/frame.ts';
import { TtlvError } from '../../../appliance/ttlv/error.ts';

const readers: readonly ((payload: Buffer) => unknown)[] = [
  message.readHello,
  message.readAck,
  message.readBeat,
  message.readComparison,
  message.readFetches,
  message.readHeads,
  message.readPage,
  message.readPlaces,
  message.readPlace,
  (payload) => {
    const entries = message.decodeEntries(payload);
    if (!message.encodeEntries(entries).equals(payload)) throw new Error('written otherwise');
  },
  message.decodeMaterials,
  decodeHead,
  decodeValue,
  decodeForm,
];

/** What a node reads of another: the first byte says which reader, or the frames around them. */
export function fuzz(data: Buffer): void {
  const [which = 0] = data;
  const payload = data.subarray(1);
  try {
    const read = readers[which % (readers.length + 1)];
    if (read === undefined) new FrameSplitter(message.messageBytes).push(payload);
    else read(payload);
  } catch (error) {
    const { MessageFault } = message;
    const known = [MessageFault, FrameError, TtlvError, SyntaxError];
    if (!known.some((each) => error instanceof each)) throw error;
  }
}
