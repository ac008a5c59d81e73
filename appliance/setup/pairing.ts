import type { PairingView } from '../admin/pair.ts';
import { AdminRefusal } from '../admin/client.ts';
import type { AdminClient } from '../admin/client.ts';
import type { KeeperConsole } from '../keeper-client/console.ts';
import type { PairingCandidate } from '../keeper-client/pairing.ts';
import { SetupError } from './error.ts';

/** Who is asked while a node joins. */
export interface JoinParts {
  readonly admin: AdminClient;
  /** One talk with the keeper. */
  readonly keeper: <T>(act: (console: KeeperConsole) => Promise<T>) => Promise<T>;
  /** Whether a person found the words to be the same on both nodes. */
  readonly compare: (words: readonly string[], name: string) => Promise<boolean>;
  /** Lets a moment pass. */
  readonly pause: () => Promise<void>;
}

/** A server that went down in between is started again: it answers within so many moments. */
const patience = 400;

/**
 * Joins a cluster from a new node: its root key is made, a person compares words, the keys and the
 * records come over. Gives once every key is here and served. Throws SetupError `pairing`,
 * AdminRefusal, and what `keeper` throws.
 */
export async function joinCluster(
  parts: JoinParts,
  request: { readonly address: string; readonly code: string; readonly label: string },
): Promise<void> {
  const { admin, keeper } = parts;
  const { address, code, label } = request;
  const root = await keeper((console) => console.prepareJoin(label));
  await admin.join({ address, code, root });
  await compared(parts);
  await served(parts);
}

/** Waits until this node serves every key, also over a restart of its server. */
async function served(parts: JoinParts): Promise<void> {
  for (;;) {
    const { state } = await viewOf(parts);
    // In this order: a server that serves knows of no joining any more.
    const { endpoint } = await patiently(parts, (admin) => admin.status());
    if (endpoint !== undefined) return;
    // It went down before it knew whom it joined.
    if (state === 'none') throw cutShort();
    await parts.pause();
  }
}

function cutShort(): SetupError {
  const hint = 'begin again: twinlock peer invite on the first node, peer join on this one';
  return new SetupError('pairing', 'the pairing was cut short', hint);
}

/** Asks the server again while it is not there. Throws AdminRefusal `not-reachable` in the end. */
async function patiently<T>(
  { admin, pause }: JoinParts,
  ask: (admin: AdminClient) => Promise<T>,
): Promise<T> {
  for (let looks = 0; ; looks++) {
    try {
      return await ask(admin);
    } catch (error) {
      const away = error instanceof AdminRefusal && error.code === 'not-reachable';
      if (!away || looks > patience) throw error;
    }
    await pause();
  }
}

/**
 * Makes a code for a new node. What an earlier pairing left half done is withdrawn first: keys that
 * a node was given which then never became a member, and the wrapping key among them. Throws
 * AdminRefusal, and what `keeper` throws.
 */
export async function invitedNode({
  admin,
  keeper,
}: Pick<JoinParts, 'admin' | 'keeper'>): ReturnType<AdminClient['invite']> {
  const { peers } = await admin.peers();
  for (const { node, state } of peers) {
    if (state !== 'unfinished') continue;
    await admin.removePeer(node);
    await keeper((console) => console.removePeer(node));
  }
  return admin.invite();
}

/**
 * The second half of a pairing, on either node: a person compares the words, and the node becomes
 * a member, which it gives where it is known. Throws SetupError `pairing`, AdminRefusal, and what
 * `keeper` throws.
 */
export async function comparedPairing(parts: JoinParts): Promise<PairingView['peer']> {
  const { state, peer } = await compared(parts);
  if (state === 'none') throw cutShort();
  return peer;
}

async function compared(parts: JoinParts): Promise<PairingView> {
  const { keeper, compare } = parts;
  const { words, name } = await candidateOf(parts);
  if (!(await compare(words, name))) {
    await keeper((console) => console.refusePairing());
    throw new SetupError('pairing', 'the words were not confirmed', 'somebody may be in between');
  }
  await keeper((console) => console.confirmPairing(words));
  return ended(parts);
}

/** Waits for the other node to prove the code. */
async function candidateOf(parts: JoinParts): Promise<PairingCandidate> {
  for (;;) {
    const { state } = await viewOf(parts);
    if (state === 'none') {
      const hint = 'begin again: invite on the first node, join on this one';
      throw new SetupError('pairing', 'no pairing goes on', hint);
    }
    const found =
      state === 'waiting' ? undefined : await parts.keeper((console) => console.candidate());
    if (found !== undefined) return found;
    await parts.pause();
  }
}

/** The server that joined begins to serve, and then knows of no joining any more. */
async function ended(parts: JoinParts): Promise<PairingView> {
  for (;;) {
    const view = await viewOf(parts);
    if (view.state === 'joined' || view.state === 'none') return view;
    await parts.pause();
  }
}

async function viewOf(parts: JoinParts): Promise<PairingView> {
  const view = await patiently(parts, (admin) => admin.pairing());
  const { state, message } = view;
  if (state !== 'failed') return view;
  const hint = 'begin again: invite on the first node, join on this one';
  throw new SetupError('pairing', message ?? 'the pairing failed', hint);
}
