import type { InitialiseRequest } from '../keeper-client/console.ts';
import { KeeperError } from '../keeper-client/keeper.ts';
import type { KeeperLog } from './keeper-options.ts';
import type { KeyRing } from './key-ring.ts';
import { nextNumber } from './peer.ts';
import { membersOf, recoverySlots } from './recovery-part.ts';
import { retiredWith, rootOf } from './retired-root.ts';
import { isRecovery } from './restore.ts';
import { slotFor } from './peer-slot.ts';
import type { Slot } from './slot.ts';
import type { RootKey } from '../token/token.ts';
import type { TokenSet } from './token-set.ts';
import { generationBytes, WrappingKey } from './wrapping-key.ts';

/** What the keeper's acts work with. */
export interface KeeperParts {
  /** Where the slot table lies. */
  readonly folder: string;
  readonly ring: KeyRing;
  readonly tokens: TokenSet;
  readonly random: (bytes: number) => Buffer;
  readonly now: () => number;
  readonly log: KeeperLog;
  /** How far the rotation of the root key is. */
  readonly progress?: Progress | undefined;
}

const rootKeyIdBytes = 16;

export type Progress = (done: number, of: number) => void;

/**
 * Makes a new root key and moves every generation to it: slots for it stand beside the old ones,
 * each was decrypted back through the token and compared, and only then the old ones go. The old
 * root key is destroyed later, when the new one has opened a slot from the disk (`destroyRetired`).
 * Killed at any step, it leaves a table that opens. The new one may be in another token, which is
 * the one in use from then on. Throws KeeperError `sealed`, `token`, `token-unknown`,
 * `token-in-use`.
 */
export async function rotateRootKey(
  parts: Pick<KeeperParts, 'ring' | 'tokens' | 'random' | 'log' | 'progress'>,
  { rootKeyLabel: label, token: name }: InitialiseRequest,
): Promise<void> {
  const { ring, tokens, random, log, progress } = parts;
  ring.opened();
  const token = tokens.named(name);
  if (membersOf(ring.opened().table).some((member) => member.token === token.name)) {
    throw new KeeperError('token-in-use', 'a recovery token is not to hold the root key too');
  }
  await token.attempt(async () => {
    // The key, a slot for each generation, and the two writings of the table.
    const step = (done: number): void => progress?.(done, ring.keys.length + 3);
    step(0);
    // Written down before it is made: cut short, the new key is the one that is destroyed.
    const id = random(rootKeyIdBytes);
    const named = (keyId: string, publicKey: string): void => {
      const { table } = ring.opened();
      const root = rootOf({ keyId, publicKey, token: token.name, device: token.device });
      ring.store({ retired: retiredWith(table, table.slots, [root]) });
    };
    named(id.toString('hex'), '');
    const made = await token.makeRootKey(label, id);
    step(1);
    const { keyId, publicKey } = namesOf(made);
    // A token that has another idea of its identifiers said how it calls it.
    if (keyId !== id.toString('hex')) named(keyId, publicKey);
    const slots: Slot[] = [];
    const missing = (): WrappingKey | undefined =>
      ring.keys.find((key) => !slots.some((slot) => isOf(slot, key)));
    // One by one, for a peer may begin another generation meanwhile.
    for (let key = missing(); key !== undefined; key = missing()) {
      slots.push(await token.provenSlot(made, label, key));
      step(1 + slots.length);
    }
    ring.store({ slots: [...slots, ...ring.opened().table.slots] });
    const { table } = ring.opened();
    const kept = [...slots, ...table.slots.filter(isRecovery)];
    ring.store({ slots: kept, retired: retiredWith(table, kept) });
    tokens.use(token);
    token.noteProof(ring.opened().slot);
  });
  log('info', 'the root key was rotated', { label, token: token.name });
}

function namesOf({ id, publicKey }: RootKey): { keyId: string; publicKey: string } {
  const bytes = Buffer.from(publicKey);
  return { keyId: Buffer.from(id).toString('hex'), publicKey: bytes.toString('base64') };
}

function isOf({ generation }: Slot, key: WrappingKey): boolean {
  return generation === key.generation.toString('hex');
}

/**
 * Begins a new generation of the wrapping key and gives its id in hexadecimal. It is written under
 * at once, or, where there are peers, when each has proven its slot; the older ones open what they
 * sealed until `retire`. `urgent`: while another rotation goes on too, because a node that was
 * removed has its keys. One that waits for its peers is older then, and not dropped: a peer may
 * have seen that all had proven it, have written under it, and be lost before it could say so.
 * Throws KeeperError `sealed`, `token`, `rotating`.
 */
export async function rotateWrappingKey(
  parts: KeeperParts,
  { urgent = false } = {},
): Promise<string> {
  const { ring, tokens, random, now, log } = parts;
  const root = tokens.inUse;
  const { slot: current } = ring.opened();
  if (!urgent && ring.keys.length > 1) {
    throw new KeeperError('rotating', 'the last rotation is still going on');
  }
  const generation = await root.attempt(async () => {
    await root.login();
    const key = new WrappingKey(random(generationBytes), random(32));
    const rootKey = {
      id: Buffer.from(current.keyId, 'hex'),
      publicKey: Buffer.from(current.publicKey, 'base64'),
      hash: current.hash,
    };
    const slot = await root.provenSlot(rootKey, current.label, key);
    begin(ring, slot, key, now());
    return slot.generation;
  });
  const { written } = ring.opened().table;
  const waits = written !== generation;
  log(
    'info',
    waits ? 'a wrapping key waits for its peers' : 'a new wrapping key is written under',
    {
      generation,
    },
  );
  return generation;
}

/** Writes a new generation down: with its recovery slot, and one for each peer. */
function begin(ring: KeyRing, slot: Slot, key: WrappingKey, now: number): void {
  const { table } = ring.opened();
  const { peers = [], order } = table;
  const { generation } = slot;
  const further = recoverySlots(table, key, now);
  ring.add(key);
  try {
    ring.store({
      slots: [slot, ...further, ...table.slots],
      owed: undefined,
      ...(peers.length === 0 ? { written: generation } : {}),
      order: { ...order, [generation]: nextNumber(table) },
      ...(peers.length === 0
        ? {}
        : {
            peers: peers.map((peer) => ({
              ...peer,
              slots: [...peer.slots, slotFor(peer.root, key, now)],
            })),
          }),
    });
  } catch (error) {
    ring.forget(generation);
    throw error;
  }
}

/** Forgets these older generations and their slots. Throws KeeperError `sealed`. */
export function retireGenerations(
  { ring, log }: Pick<KeeperParts, 'ring' | 'log'>,
  generations: readonly string[],
): void {
  ring.opened();
  if (generations.length === 0) return;
  dropGenerations(ring, generations);
  log('info', 'older wrapping keys are retired', { generations });
}

function dropGenerations(ring: KeyRing, generations: readonly string[]): void {
  const { table } = ring.opened();
  const kept = (id: string): boolean => id === table.written || !generations.includes(id);
  const { peers, order } = table;
  ring.store({
    slots: table.slots.filter(({ generation }) => kept(generation)),
    ...(peers === undefined
      ? {}
      : {
          peers: peers.map((peer) => ({
            ...peer,
            slots: peer.slots.filter(({ generation }) => kept(generation)),
            proven: peer.proven.filter(kept),
          })),
        }),
    ...(order === undefined
      ? {}
      : { order: Object.fromEntries(Object.entries(order).filter(([id]) => kept(id))) }),
  });
  for (const id of generations.filter((each) => !kept(each))) ring.forget(id);
}
