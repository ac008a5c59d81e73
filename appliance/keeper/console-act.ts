import type { ConsoleAct } from '../keeper-client/console-act.ts';
import { KeeperError } from '../keeper-client/keeper.ts';
import type { KeeperStatus } from '../keeper-client/keeper.ts';
import { keeperRequest, splitItems } from '../keeper-client/request.ts';

/** What a person who asks this does; what is not here only looks. */
const acts: Readonly<Record<number, string>> = {
  [keeperRequest.makeRecovery]: 'recovery create',
  [keeperRequest.proveRecovery]: 'recovery prove',
  [keeperRequest.makeRecoveryToken]: 'recovery create',
  [keeperRequest.proveRecoveryToken]: 'recovery prove',
  [keeperRequest.removeRecoveryToken]: 'recovery remove',
  [keeperRequest.restore]: 'recovery restore',
  [keeperRequest.lend]: 'backup open',
  [keeperRequest.shut]: 'seal',
  [keeperRequest.unshut]: 'unseal',
  [keeperRequest.shred]: 'shred',
  [keeperRequest.initialise]: 'root create',
  [keeperRequest.pin]: 'token unlock',
  [keeperRequest.provision]: 'token provision',
  [keeperRequest.rotateRootKey]: 'root rotate',
  [keeperRequest.rotateWrappingKey]: 'wrapping-key rotate',
  [keeperRequest.prepareJoin]: 'peer join',
  [keeperRequest.confirmPairing]: 'peer confirm',
  [keeperRequest.refusePairing]: 'peer refuse',
  [keeperRequest.removePeer]: 'peer remove',
  [keeperRequest.setAdministrator]: 'administrator set',
  [keeperRequest.checkAdministrator]: 'console menu',
};

/** Somebody who may not, or does not know what he has to know; the rest went wrong by itself. */
const denials: readonly string[] = [
  ...['passphrase-wrong', 'proposal-refused', 'shred-refused', 'pin-wrong', 'pin-locked'],
  ...['share-damaged', 'share-word', 'share-twice', 'share-wrong', 'share-foreign'],
  ...['shares-too-few', 'recovery-foreign', 'shredded'],
];

type Begun = Pick<ConsoleAct, 'act' | 'object' | 'reason'>;

/** The act that a request is; undefined for one that only looks. To be asked before it is done. */
export function actOf(kind: number, payload: Buffer, status: KeeperStatus): Begun | undefined {
  const act = acts[kind];
  if (act === undefined) return undefined;
  const object = objectOf(kind, payload, status);
  const known = { act, ...(object === undefined ? {} : { object }) };
  // A token that is logged in is given no PIN: that it was right, nobody can say.
  const isReady = [status.token, ...(status.tokens ?? [])].some(
    ({ name, state }) => name === object && state === 'ready',
  );
  const untried = kind === keeperRequest.pin && object !== undefined && isReady;
  return untried ? { ...known, reason: 'pin-not-tried' } : known;
}

/** How an act ended: in codes, never in words that somebody typed. */
export function failureOf(error: unknown): Pick<ConsoleAct, 'outcome' | 'reason'> {
  if (!(error instanceof KeeperError)) return { outcome: 'failed', reason: 'protocol' };
  const { code, cause, message } = error;
  const said = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  // Of a token the state is what matters, and stands at the message's end.
  const state = /\b(absent|locked|pin-needed|pin-wrong|pin-locked)$/.exec(message)?.[1];
  const reason = code !== 'token' ? code : typeof said === 'string' ? said : (state ?? code);
  return { outcome: denials.includes(reason) ? 'denied' : 'failed', reason };
}

/** A name only where it is one that the keeper knows: a PIN may be typed in a name's place. */
function objectOf(kind: number, payload: Buffer, status: KeeperStatus): string | undefined {
  try {
    switch (kind) {
      case keeperRequest.pin:
      case keeperRequest.provision:
        return tokenIn(Buffer.from(splitItems(payload)[0]?.context ?? []).toString(), status);
      case keeperRequest.proveRecoveryToken:
        return tokenIn(payload.toString(), status);
      case keeperRequest.initialise:
      case keeperRequest.makeRecoveryToken:
      case keeperRequest.rotateRootKey:
        return tokenIn((JSON.parse(payload.toString()) as { token?: string }).token ?? '', status);
      case keeperRequest.removePeer:
        return status.pair?.peers.find(({ node }) => node === payload.toString())?.node;
      case keeperRequest.removeRecoveryToken:
        return status.recovery?.members.find(({ id }) => id === payload.toString())?.id;
      default:
        return undefined;
    }
  } catch {
    // What cannot be read is refused by who has to read it.
    return undefined;
  }
}

function tokenIn(name: string, { token, tokens = [] }: KeeperStatus): string | undefined {
  if (name === '') return token.name;
  return [token, ...tokens].find((each) => each.name === name)?.name;
}
