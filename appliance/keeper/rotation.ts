import { KeeperError } from '../keeper-client/keeper.ts';
import type { KeeperLog } from './keeper-options.ts';
import type { KeyRing } from './key-ring.ts';
import { recoverySlot } from './recovery.ts';
import { isRecovery } from './restore.ts';
import type { RootToken } from './root-token.ts';
import type { Slot } from './slot.ts';
import { generationBytes, WrappingKey } from './wrapping-key.ts';

/** What the keeper's acts work with. */
export interface KeeperParts {
  /** Where the slot table lies. */
  readonly folder: string;
  readonly ring: KeyRing;
  readonly root: RootToken;
  readonly random: (bytes: number) => Buffer;
  readonly now: () => number;
  readonly log: KeeperLog;
}

/**
 * Makes a new root key and moves every generation to it: slots for it stand beside the old ones,
 * each was decrypted back through the token and compared, and only then the old ones go. Killed
 * at any step, it leaves a table that opens. Throws KeeperError `sealed`, `token`.
 */
export async function rotateRootKey(parts: KeeperParts, label: string): Promise<void> {
  const { ring, root, log } = parts;
  ring.opened();
  await root.attempt(async () => {
    const made = await root.makeRootKey(label);
    const slots: Slot[] = [];
    for (const key of ring.keys) slots.push(await root.provenSlot(made, label, key));
    ring.store({ slots: [...slots, ...ring.opened().table.slots] });
    ring.store({ slots: [...slots, ...ring.opened().table.slots.filter(isRecovery)] });
  });
  log('info', 'the root key was rotated', { label });
}

/**
 * Begins a new generation of the wrapping key and gives its id in hexadecimal. From then on it is
 * written under; the older ones open what they sealed until `retire`. Throws KeeperError
 * `sealed`, `token`, `rotating`.
 */
export async function rotateWrappingKey(parts: KeeperParts): Promise<string> {
  const { ring, root, random, now, log } = parts;
  const { slot: current } = ring.opened();
  if (ring.keys.length > 1) {
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
    const { table } = ring.opened();
    ring.add(key);
    const { recovery } = table;
    const further = recovery === undefined ? [] : [recoverySlot(recovery, key, now())];
    try {
      ring.store({ slots: [slot, ...further, ...table.slots], written: slot.generation });
    } catch (error) {
      ring.forget(slot.generation);
      throw error;
    }
    return slot.generation;
  });
  log('info', 'a new wrapping key is written under', { generation });
  return generation;
}

/** Forgets every generation but the written one, and their slots. Throws KeeperError `sealed`. */
export function retireGenerations({ ring, log }: Pick<KeeperParts, 'ring' | 'log'>): void {
  const { table } = ring.opened();
  if (ring.keys.length === 1) return;
  ring.store({ slots: table.slots.filter(({ generation }) => generation === table.written) });
  for (const { generation } of ring.keys) {
    const id = generation.toString('hex');
    if (id !== table.written) ring.forget(id);
  }
  log('info', 'the older wrapping keys are retired');
}
