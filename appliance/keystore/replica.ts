import { KeeperError } from '../keeper-client/keeper.ts';
import type { CopyPolicy } from './copy-policy.ts';
import { KeystoreError } from './error.ts';
import { Exchange } from './exchange.ts';
import type { Entry, ExchangeParts, Ingested, LooseMaterial } from './exchange.ts';
import type { Draft } from './keystore.ts';
import type { Member } from './membership.ts';
import type { RecordHead } from './record.ts';
import type { Heads } from './record-log.ts';

export interface ReplicaParts extends ExchangeParts {
  readonly log: (
    level: 'warn' | 'error',
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
  /** Runs a mutation in the next group commit. */
  readonly commit: <T>(mutation: (draft: Draft) => T) => Promise<Awaited<T>>;
}

/** The keystore as other nodes and backups see it: records and secrets out, and in. */
export class Replica {
  readonly #parts: ReplicaParts;
  readonly #exchange: Exchange;

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
    this.#exchange = new Exchange(parts);
  }

  /** This node's identifier, and the epoch it writes. */
  get node(): string {
    return this.#parts.records.node;
  }

  get epoch(): string {
    return this.#parts.records.epoch;
  }

  get cluster(): string {
    return this.#parts.cluster;
  }

  /**
   * Takes records of other nodes in: all of them and their secrets durably, or none. `sender`: the
   * member that passes them on, absent for a backup. Throws KeystoreError `record-refused`,
   * `record-gap`, `keeper-unavailable`, and what `change` throws.
   */
  async ingest(entries: readonly Entry[], sender?: string): Promise<Ingested> {
    const checked = await opened(this.#exchange.check(entries, sender));
    const { commit, log } = this.#parts;
    const ingested = await commit((draft) => {
      const done = this.#exchange.store(checked);
      for (const fork of done.forks) this.#sayFork(draft, fork);
      return done;
    });
    for (const object of ingested.corrupt) {
      log('error', 'a secret came that is not what its record says', { object });
    }
    return ingested;
  }

  /** Takes secrets in that came without their records; gives how many were right. */
  async ingestMaterials(materials: readonly LooseMaterial[]): Promise<number> {
    const checked = await opened(this.#exchange.checkMaterials(materials));
    await this.#parts.commit(() => {
      this.#exchange.storeMaterials(checked);
    });
    return checked.length;
  }

  /**
   * The next records behind these heads with their secrets, in an order in which a keystore that
   * stands there can take them; none when it has all. `heads`: where it stands then.
   */
  after(
    heads: Heads,
    most: { readonly records: number; readonly bytes: number },
  ): { readonly entries: Entry[]; readonly heads: Heads } {
    return this.#exchange.after(heads, most);
  }

  heads(): Heads {
    return this.#parts.records.heads();
  }

  /** Objects whose secret should be here and is not, or does not open. */
  lacking(limit: number): string[] {
    return this.#exchange.lacking(limit);
  }

  /** Says that an object's secret is to be had from others again; inside a transaction. */
  lack(object: string): void {
    this.#exchange.lack(object);
  }

  materials(objects: readonly string[]): LooseMaterial[] {
    return this.#exchange.materials(objects);
  }

  /** All that are or were members, this node among them. */
  members(): Member[] {
    return this.#parts.records.membership().all();
  }

  copyPolicy(): CopyPolicy {
    return this.#parts.records.copyPolicy();
  }

  /** Takes this node's records, and those of whom it names, from now on. */
  trust(node: string, recordKey: string, reason: 'paired' | 'restored'): Promise<void> {
    return this.#parts.commit(() => {
      this.#parts.records.anchor(node, recordKey, reason);
    });
  }

  #sayFork(draft: Draft, { node, epoch, seq }: RecordHead): void {
    this.#parts.log('error', 'two records claim one place', { node, epoch, seq });
    const entry = { request: '', actor: 'node', act: 'fork found', outcome: 'failed' } as const;
    draft.audit({ ...entry, reason: `${node} ${epoch}.${seq}` });
  }
}

/** Of bytes that come from elsewhere an unknown generation may still arrive: asked again later. */
async function opened<T>(checking: Promise<T>): Promise<T> {
  try {
    return await checking;
  } catch (error) {
    if (!(error instanceof KeeperError)) throw error;
    const message = `the keeper says: ${error.code}`;
    throw new KeystoreError('keeper-unavailable', message, { cause: error });
  }
}
