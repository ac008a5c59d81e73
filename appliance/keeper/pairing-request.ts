import { KeeperError } from '../keeper-client/keeper.ts';
import type { PairingProposal, Statement } from '../keeper-client/pairing.ts';
import { keeperRequest, splitItems } from '../keeper-client/request.ts';
import type { Item } from '../keeper-client/request.ts';
import type { Administrator } from './administrator.ts';
import type { KeyKeeper } from './keeper.ts';
import type { Pairing } from './pairing.ts';

/** What a server may ask about pairing: it introduces and carries, it decides nothing. */
export async function answerServer(
  pairing: Pairing,
  kind: number,
  payload: Buffer,
): Promise<Buffer> {
  switch (kind) {
    case keeperRequest.identity:
      return json(pairing.identity());
    case keeperRequest.propose:
      pairing.propose(JSON.parse(payload.toString()) as PairingProposal);
      return Buffer.alloc(0);
    case keeperRequest.candidate:
      return json(pairing.candidate() ?? null);
    case keeperRequest.statement:
      return json(pairing.state(payload.toString()));
    case keeperRequest.take:
      await pairing.take(JSON.parse(payload.toString()) as Statement);
      return Buffer.alloc(0);
    case keeperRequest.joined:
      await pairing.joined();
      return Buffer.alloc(0);
    default:
      throw new KeeperError('protocol', 'no such request');
  }
}

/** What only a person at the console may ask about pairing, and about who that person is. */
export async function answerConsole(
  keeper: KeyKeeper,
  kind: number,
  payload: Buffer,
): Promise<Buffer> {
  const { pairing } = keeper;
  switch (kind) {
    case keeperRequest.candidate:
      return json(pairing.candidate() ?? null);
    case keeperRequest.prepareJoin:
      return json(await pairing.prepareJoin(payload.toString()));
    case keeperRequest.confirmPairing:
      await pairing.confirm(JSON.parse(payload.toString()) as string[]);
      return Buffer.alloc(0);
    case keeperRequest.refusePairing:
      pairing.refuse();
      return Buffer.alloc(0);
    case keeperRequest.removePeer:
      return Buffer.from(await pairing.remove(payload.toString()));
    default:
      return answerAdministrator(keeper.administrator, kind, payload);
  }
}

async function answerAdministrator(
  administrator: Administrator,
  kind: number,
  payload: Buffer,
): Promise<Buffer> {
  const typed = (): Item => {
    const [item] = splitItems(payload);
    if (item === undefined) throw new KeeperError('protocol', 'a passphrase is missing');
    return item;
  };
  switch (kind) {
    case keeperRequest.hasAdministrator:
      return json(administrator.isSet);
    case keeperRequest.setAdministrator: {
      const { context, data } = typed();
      await administrator.set(Buffer.from(data), Buffer.from(context));
      return Buffer.alloc(0);
    }
    case keeperRequest.checkAdministrator:
      await administrator.check(Buffer.from(typed().data));
      return Buffer.alloc(0);
    default:
      throw new KeeperError('protocol', 'no such request');
  }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
