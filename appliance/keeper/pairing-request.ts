import { KeeperError } from '../keeper-client/keeper.ts';
import type { PairingProposal, Statement } from '../keeper-client/pairing.ts';
import { keeperRequest } from '../keeper-client/request.ts';
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

/** What only a person at the console may ask about pairing. */
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
      throw new KeeperError('protocol', 'no such request');
  }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
