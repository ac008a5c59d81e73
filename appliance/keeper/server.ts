import { createServer } from 'node:net';
import type { ListenOptions, Server, Socket } from 'node:net';
import { encodeFrame, FrameSplitter } from '../frame/frame.ts';
import type { Frame } from '../frame/frame.ts';
import type {
  InitialiseRequest,
  LendRequest,
  RecoveryRequest,
  RestoreRequest,
} from '../keeper-client/console.ts';
import type { ActPlace } from '../keeper-client/console-act.ts';
import { KeeperError } from '../keeper-client/keeper.ts';
import {
  clusterPurposes,
  joinOutcomes,
  keeperAnswer,
  keeperErrorCodes,
  keeperPayloadBytes,
  keeperRequest,
  splitItems,
} from '../keeper-client/request.ts';
import type { ClusterPurpose, Item, Outcome } from '../keeper-client/request.ts';
import { actOf, failureOf } from './console-act.ts';
import type { KeyKeeper } from './keeper.ts';
import { answerConsole, answerServer } from './pairing-request.ts';

type Answer = (frame: Frame) => Buffer | Promise<Buffer>;

/** The socket that only the server's user can open: seal, open, status. */
export function startDataSocket(keeper: KeyKeeper, listen: ListenOptions): Promise<Server> {
  return start(listen, ({ kind, payload }) => {
    switch (kind) {
      case keeperRequest.seal:
        return each(payload, ({ context, data }) => keeper.seal(context, data));
      case keeperRequest.open:
        return each(payload, ({ context, data }) => keeper.open(context, data as Buffer));
      case keeperRequest.status:
        return Buffer.from(JSON.stringify(keeper.status()));
      case keeperRequest.derive:
        return keeper.derive(purposeOf(payload));
      case keeperRequest.slots:
        return Buffer.from(keeper.slots());
      case keeperRequest.consoleActs:
        return Buffer.from(JSON.stringify(keeper.acts.waiting() ?? null));
      case keeperRequest.consoleActsTaken:
        keeper.acts.taken(JSON.parse(payload.toString()) as ActPlace);
        return Buffer.alloc(0);
      case keeperRequest.retire:
        return keeper.retire(retiredIn(payload)).then(() => Buffer.alloc(0));
      default:
        return answerServer(keeper.pairing, kind, payload);
    }
  });
}

/** What the server says that nothing is sealed under; who names nothing retires nothing. */
function retiredIn(payload: Buffer): string[] {
  const named: unknown = payload.length === 0 ? [] : JSON.parse(payload.toString());
  return Array.isArray(named) ? named.filter((each) => typeof each === 'string') : [];
}

/** The socket where a person types secrets and rotates keys: each act is written down. */
export function startConsoleSocket(keeper: KeyKeeper, listen: ListenOptions): Promise<Server> {
  const answer = consoleAnswer(keeper);
  return start(listen, async (frame) => {
    const act = actOf(frame.kind, frame.payload, keeper.status());
    try {
      const payload = await answer(frame);
      if (act !== undefined) keeper.acts.add({ ...act, outcome: 'success' });
      return payload;
    } catch (error) {
      if (act !== undefined) keeper.acts.add({ ...act, ...failureOf(error) });
      throw error;
    }
  });
}

function consoleAnswer(keeper: KeyKeeper): (frame: Frame) => Promise<Buffer> {
  const empty = Buffer.alloc(0);
  return async ({ kind, payload }) => {
    const json = (): unknown => JSON.parse(payload.toString());
    switch (kind) {
      case keeperRequest.makeRecovery:
        return Buffer.from(JSON.stringify(await keeper.makeRecovery(json() as RecoveryRequest)));
      case keeperRequest.proveRecovery:
        await keeper.proveRecovery(json() as string[]);
        return empty;
      case keeperRequest.makeRecoveryToken:
        return Buffer.from(await keeper.makeRecoveryToken(json() as InitialiseRequest));
      case keeperRequest.proveRecoveryToken:
        await keeper.proveRecoveryToken(payload.toString());
        return empty;
      case keeperRequest.removeRecoveryToken:
        await keeper.removeRecoveryToken(payload.toString());
        return empty;
      case keeperRequest.shut:
        keeper.shut();
        return empty;
      case keeperRequest.unshut:
        await keeper.unshut();
        return empty;
      case keeperRequest.holders:
        return Buffer.from(JSON.stringify(keeper.holders()));
      case keeperRequest.shred:
        return Buffer.from(JSON.stringify(await keeper.shred(payload.toString())));
      case keeperRequest.lend:
        await keeper.lend(json() as LendRequest);
        return empty;
      case keeperRequest.restore: {
        await keeper.restore(json() as RestoreRequest);
        return empty;
      }
      case keeperRequest.status:
        return Buffer.from(JSON.stringify(keeper.status()));
      case keeperRequest.initialise: {
        const { rootKeyLabel, token } = json() as InitialiseRequest;
        await keeper.initialise(rootKeyLabel, token);
        return empty;
      }
      case keeperRequest.pin:
        await keeper.givePin(...typed(payload));
        return empty;
      case keeperRequest.provision:
        return keeper.provision(...typed(payload));
      case keeperRequest.rotateRootKey:
        await keeper.rotateRootKey(json() as InitialiseRequest);
        return empty;
      case keeperRequest.rotateWrappingKey:
        return Buffer.from(await keeper.rotateWrappingKey());
      default:
        return answerConsole(keeper, kind, payload);
    }
  };
}

/** A PIN, and the name of the token that it is for, if there is one. */
function typed(payload: Buffer): [Buffer, string?] {
  const [item] = splitItems(payload);
  if (item === undefined) throw new KeeperError('protocol', 'a PIN is missing');
  const name = Buffer.from(item.context).toString();
  return name === '' ? [item.data as Buffer] : [item.data as Buffer, name];
}

function purposeOf(payload: Buffer): ClusterPurpose {
  const purpose = clusterPurposes.find((known) => known === payload.toString());
  if (purpose === undefined) throw new KeeperError('protocol', 'no such purpose');
  return purpose;
}

function start(listen: ListenOptions, answer: Answer): Promise<Server> {
  const server = createServer((socket) => {
    const splitter = new FrameSplitter(keeperPayloadBytes);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      try {
        for (const frame of splitter.push(chunk)) void respond(socket, frame, answer);
        chunk.fill(0);
      } catch {
        socket.destroy();
      }
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen, () => {
      resolve(server);
    });
  });
}

async function respond(socket: Socket, frame: Frame, answer: Answer): Promise<void> {
  try {
    const made = answer(frame);
    const payload = made instanceof Promise ? await made : made;
    const bytes = encodeFrame(keeperAnswer.success, frame.id, payload);
    payload.fill(0);
    socket.write(bytes, () => bytes.fill(0));
  } catch (error) {
    const known =
      error instanceof KeeperError ? error : new KeeperError('protocol', 'request refused');
    const text = Buffer.from(`.${known.message}`);
    text[0] = keeperErrorCodes.indexOf(known.code);
    socket.write(encodeFrame(keeperAnswer.refusal, frame.id, text));
  } finally {
    frame.payload.fill(0);
  }
}

/** One item's failure is that item's outcome; the others go on. */
function each(payload: Buffer, act: (item: Item) => Buffer): Buffer {
  const outcomes = splitItems(payload).map((item): Outcome => {
    try {
      return { code: 0, data: act(item) };
    } catch (error) {
      const code = error instanceof KeeperError ? error.code : 'protocol';
      return { code: 1 + keeperErrorCodes.indexOf(code), data: new Uint8Array(0) };
    }
  });
  const joined = joinOutcomes(outcomes);
  for (const { data } of outcomes) data.fill(0);
  return joined;
}
