import { decode } from '../../../appliance/ttlv/decode.ts';
import { randomBytes, randomUUID } from 'node:crypto';
import { Tag } from '../../../appliance/kmip/tag.ts';
import { Dispatch } from '../../../appliance/server/dispatch.ts';
import { nearClient, nearServer } from '../../harness/near-server.ts';

/** A keystore begins anew after so many messages, for what is in it may grow. */
const messagesEach = 5_000;

let near: ReturnType<typeof nearServer> | undefined;
let dispatch: Dispatch | undefined;
let end: (() => unknown) | undefined;
let left = 0;
let fault: unknown;

async function begin(): Promise<Dispatch> {
  await end?.();
  const server = (near = nearServer({ teardown: (act) => (end = act) }));
  left = messagesEach;
  return new Dispatch({
    keystore: server.keystore,
    now: server.now,
    random: (bytes) => randomBytes(bytes),
    newIdentifier: () => randomUUID(),
    log: (level, text, fields) => {
      if (level === 'error') fault = { text, fields };
    },
  });
}

/**
 * The dispatcher over a real keystore: every message is answered with one that can be read, and
 * none makes the server fail in a way that nobody foresaw.
 */
export async function fuzz(data: Buffer): Promise<void> {
  if (near === undefined || left-- <= 0) dispatch = await begin();
  fault = undefined;
  const answer = await dispatch?.answer(Buffer.from(data), nearClient('default'), 'request');
  if (answer === undefined) throw new Error('no answer');
  if (
    decode(answer, { messageBytes: 1 << 24, depth: 64, items: 1 << 20 }).tag !== Tag.ResponseMessage
  )
    throw new Error('an answer that is none');
  if (fault !== undefined) throw new Error(`unforeseen: ${JSON.stringify(fault)}`);
}
