import { KeeperError } from '../keeper-client/keeper.ts';
import type { KeeperStatus } from '../keeper-client/keeper.ts';
import { deriveFrom, markOf, openSecret, sealSecret } from './cluster-secret.ts';
import { compareGenerations, pendingOf, waitedFor } from './peer.ts';
import type { RecoverySet } from './recovery.ts';
import { isRecovery } from './restore.ts';
import type { Slot } from './slot.ts';
import { slotTablePurpose, storedText, withAges, writeSlotTable } from './slot-table.ts';
import type { SlotTable } from './slot-table.ts';
import { generationOf } from './wrapping-key.ts';
import type { WrappingKey } from './wrapping-key.ts';

export interface KeyRingOptions {
  /** Where the slot table lies. */
  readonly folder: string;
  /** `bytes` random ones. */
  readonly random: (bytes: number) => Buffer;
  /** Whether a person ordered that nothing be opened. */
  readonly sealedByOrder: () => boolean;
}

/** What a slot table becomes; what is left out stays as it is. */
export type TableChange = Partial<
  Pick<
    SlotTable,
    | 'serial'
    | 'slots'
    | 'written'
    | 'recovery'
    | 'recoveryTokens'
    | 'node'
    | 'peers'
    | 'order'
    | 'retired'
  >
> & {
  readonly joining?: undefined;
  readonly owed?: true | undefined;
  readonly nextRecovery?: RecoverySet | undefined;
};

/** The wrapping keys in memory, the cluster's secret, and the slot table that belongs to them. */
export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #keys = new Map<string, WrappingKey>();
  /** Generations of a backup that is being restored: they open, and are never written down. */
  readonly #lent = new Map<string, WrappingKey>();
  #table: SlotTable | undefined;
  #written: WrappingKey | undefined;
  #secret: Buffer | undefined;

  constructor(options: KeyRingOptions) {
    this.#options = options;
  }

  /** The slot table as it was last opened or written; kept when the keys are wiped. */
  get table(): SlotTable | undefined {
    return this.#table;
  }

  /** The generation that is written under; undefined while nothing is open. */
  get written(): WrappingKey | undefined {
    return this.#written;
  }

  /** Every generation that is open. */
  get keys(): readonly WrappingKey[] {
    return [...this.#keys.values()];
  }

  status(): RingStatus {
    const table = this.#table;
    const older = this.older();
    const rootKey = table === undefined ? undefined : writtenSlot(table)?.keyId;
    const [pending] = table === undefined ? [] : pendingOf(table, [...this.#keys.keys()]);
    return {
      ...pairStatus(table),
      ...(table === undefined || pending === undefined
        ? {}
        : { pending: { generation: pending, waitsFor: waitedFor(table, pending) } }),
      ...(this.#table === undefined ? {} : { cluster: this.#table.cluster }),
      ...(this.#written === undefined
        ? {}
        : { generation: this.#written.generation.toString('hex') }),
      ...(older.length === 0 ? {} : { older }),
      ...(table === undefined ? {} : { serial: table.serial }),
      ...(rootKey === undefined ? {} : { rootKey }),
    };
  }

  /** Generations before the written one: what is sealed under them has yet to be sealed anew. */
  older(): string[] {
    const table = this.#table;
    if (table === undefined) return [];
    return [...this.#keys.keys()].filter((id) => compareGenerations(table, id, table.written) < 0);
  }

  seal(context: Uint8Array, plaintext: Uint8Array): Buffer {
    if (this.#written === undefined) throw this.#refusal();
    return this.#written.seal(context, plaintext, this.#options.random(12));
  }

  open(context: Uint8Array, sealed: Buffer): Buffer {
    if (this.#written === undefined) throw this.#refusal();
    const generation = generationOf(sealed).toString('hex');
    const key = this.#keys.get(generation) ?? this.#lent.get(generation);
    if (key === undefined) throw new KeeperError('generation-unknown', 'no such generation');
    return key.open(context, sealed);
  }

  /**
   * A key of 32 bytes for this purpose, the same on every node of the cluster and under every
   * generation (RFC 5869, SHA-256). Throws KeeperError `sealed`.
   */
  derive(purpose: string): Buffer {
    const { table } = this.opened();
    if (this.#secret === undefined) throw this.#refusal();
    return deriveFrom(this.#secret, table.cluster, purpose);
  }

  /** See `markOf`. Throws KeeperError `sealed`. */
  mark(): string {
    const { table } = this.opened();
    if (this.#secret === undefined) throw this.#refusal();
    return markOf(this.#secret, table.cluster);
  }

  /** The table while it is open, with the root key's slot of the written generation. */
  opened(): { readonly table: SlotTable; readonly slot: Slot; readonly key: WrappingKey } {
    const table = this.#table;
    const slot = table === undefined ? undefined : writtenSlot(table);
    if (table === undefined || slot === undefined || this.#written === undefined) {
      throw this.#refusal();
    }
    return { table, slot, key: this.#written };
  }

  /** Makes the first table of a cluster, with a secret of its own, and goes on with it. */
  found(cluster: string, slot: Slot, key: WrappingKey): void {
    const secret = this.#options.random(32);
    const table = withAges({
      version: 2,
      serial: 1,
      cluster,
      written: slot.generation,
      secret: this.#sealSecret(key, cluster, secret),
      slots: [slot],
    });
    secret.fill(0);
    writeSlotTable(this.#options.folder, table, key.derive(slotTablePurpose));
    this.adopt(table, [key]);
  }

  /** Takes keys over that a token or a recovery opened from this table. */
  adopt(table: SlotTable, keys: readonly WrappingKey[]): void {
    if (this.#options.sealedByOrder()) {
      for (const key of keys) key.wipe();
      throw new KeeperError('sealed-by-order', 'sealed while the slots were being opened');
    }
    const written = keys.find((key) => key.generation.toString('hex') === table.written);
    if (written === undefined) {
      throw new KeeperError('generation-unknown', 'no such generation');
    }
    this.#secret = openSecret(table, written);
    this.#table = table;
    for (const key of keys) this.#keys.set(key.generation.toString('hex'), key);
    this.#written = written;
  }

  /** Holds one more generation, which nothing is written under yet. */
  add(key: WrappingKey): void {
    this.#keys.set(key.generation.toString('hex'), key);
  }

  /** Holds a backup's generations for reading, in place of what was lent before. */
  lend(keys: readonly WrappingKey[]): void {
    if (this.#written === undefined || this.#options.sealedByOrder()) {
      for (const key of keys) key.wipe();
      throw this.#refusal();
    }
    this.#giveBack();
    for (const key of keys) this.#lent.set(key.generation.toString('hex'), key);
  }

  /** The table as it lies on the disk, for a backup: it opens nothing without token or shares. */
  stored(): string {
    const { table, key } = this.opened();
    return storedText(table, key.derive(slotTablePurpose));
  }

  /** Writes a changed table durably and goes on with it. Throws KeeperError. */
  store(change: TableChange): void {
    const { table } = this.opened();
    const changed = { ...table, serial: table.serial + 1, ...change };
    const { joining, owed, nextRecovery, retired = [], ...rest } = changed;
    const next = {
      ...rest,
      ...(joining === undefined ? {} : { joining }),
      ...(owed === undefined ? {} : { owed }),
      ...(retired.length === 0 ? {} : { retired }),
      ...(nextRecovery === undefined ? {} : { nextRecovery }),
    };
    const key = this.#keys.get(next.written);
    if (key === undefined || this.#secret === undefined) {
      throw new KeeperError('generation-unknown', 'no such generation');
    }
    const secret =
      next.written === table.written
        ? table.secret
        : this.#sealSecret(key, table.cluster, this.#secret);
    const sealed = withAges({ ...next, secret });
    writeSlotTable(this.#options.folder, sealed, key.derive(slotTablePurpose));
    this.#table = sealed;
    this.#written = key;
  }

  /** Forgets a generation that no slot of the table holds any more. */
  forget(generation: string): void {
    this.#keys.get(generation)?.wipe();
    this.#keys.delete(generation);
  }

  /** Forgets a table too: a join that is begun anew. */
  reset(): void {
    this.wipe();
    this.#table = undefined;
  }

  wipe(): void {
    this.#giveBack();
    for (const key of this.#keys.values()) key.wipe();
    this.#keys.clear();
    this.#secret?.fill(0);
    this.#secret = undefined;
    this.#written = undefined;
  }

  #giveBack(): void {
    for (const key of this.#lent.values()) key.wipe();
    this.#lent.clear();
  }

  #sealSecret(key: WrappingKey, cluster: string, secret: Buffer): string {
    return sealSecret(key, cluster, secret, this.#options.random(12));
  }

  #refusal(): KeeperError {
    return this.#options.sealedByOrder()
      ? new KeeperError('sealed-by-order', 'sealed by order')
      : new KeeperError('sealed', 'no wrapping key is open');
  }
}

type RingStatus = Pick<
  KeeperStatus,
  'cluster' | 'generation' | 'older' | 'pending' | 'pair' | 'serial' | 'rootKey'
>;

/** The root key's slot of the generation that is written under. */
export function writtenSlot({ slots, written }: SlotTable): Slot | undefined {
  return slots.find((slot) => slot.generation === written && !isRecovery(slot));
}

function pairStatus(table: SlotTable | undefined): Pick<KeeperStatus, 'pair'> {
  if (table?.node === undefined) return {};
  const { node, joining, owed, peers = [] } = table;
  return {
    pair: {
      node,
      joining: joining === true,
      ...(owed === undefined ? {} : { owed }),
      peers: peers.map((peer) => ({
        node: peer.node,
        name: peer.name,
        proven: peer.proven.includes(table.written),
      })),
    },
  };
}
