import type { PairingView } from '../admin/pair.ts';
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
  await comparedPairing(parts);
  while ((await admin.status()).endpoint === undefined) await parts.pause();
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
async function ended(parts: JoinParts): Promise<PairingView['peer']> {
  for (;;) {
    const { state, peer } = await viewOf(parts);
    if (state === 'joined' || state === 'none') return peer;
    await parts.pause();
  }
}

async function viewOf({ admin }: JoinParts): Promise<PairingView> {
  const view = await admin.pairing();
  const { state, message } = view;
  if (state !== 'failed') return view;
  const hint = 'begin again: invite on the first node, join on this one';
  throw new SetupError('pairing', message ?? 'the pairing failed', hint);
}
