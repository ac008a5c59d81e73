import { KeeperError } from '../keeper-client/keeper.ts';
import { conflictsIn } from './conflict.ts';
import type { Conflict } from './conflict.ts';
import type { CopyPolicy } from './copy-policy.ts';
import { KeystoreError } from './error.ts';
import { Exchange } from './exchange.ts';
import type { Entry, ExchangeParts, Ingested, LooseMaterial } from './exchange.ts';
import type { Fetch, FetchHints } from './fetch-hint.ts';
import type { Draft } from './keystore.ts';
import type { Member } from './membership.ts';
import { inOrder } from './fold.ts';
import { goBack, leftBehind } from './go-back.ts';
import type { WayBack, WentBack } from './go-back.ts';
import { endHealing } from './heal.ts';
import type { Healing } from './heal.ts';
import { Keeping } from './keeping.ts';
import type { Look } from './keeping.ts';
import { kinds, subjectOf } from './payload.ts';
import type { Kind, Payloads } from './payload.ts';
import { databaseHolder, journalHolder, Receipts } from './receipt.ts';
import type { Copies } from './receipt.ts';
import { Scrub } from './scrub.ts';
import { SingleCopies } from './single-copy.ts';
import { stateDigest } from './state-digest.ts';
import type { StateDigest } from './state-digest.ts';
import type { RecordHead } from './record.ts';
import type { Heads } from './record-log.ts';
import { damageFound, placeName } from './unsound.ts';
import type { ChainPlace } from './unsound.ts';

export interface ReplicaParts extends ExchangeParts {
  readonly fetches: FetchHints;
  readonly log: (
    level: 'warn' | 'error',
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
  /** Runs a mutation in the next group commit. */
  readonly commit: <T>(mutation: (draft: Draft) => T) => Promise<Awaited<T>>;
}

/** Kinds that speak of objects, clients and groups, in SQL. */
const ofClients = kinds
  .filter((kind) => subjectOf(kind) !== 'node')
  .map((kind) => `'${kind}'`)
  .join();

/** The keystore as other nodes and backups see it: records and secrets out, and in. */
export class Replica {
  readonly #parts: ReplicaParts;
  readonly #exchange: Exchange;
  readonly #single: SingleCopies;
  #conflicts: { readonly version: number; limit: number; found: Conflict[] } | undefined;
  /** What other nodes and media are known to hold. */
  readonly receipts: Receipts;
  /** How long destroyed objects' material was kept. */
  readonly keeping: Keeping;
  /** What is looked at once a day, whether anybody asks for it or not. */
  readonly scrub: Scrub;

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
    this.#exchange = new Exchange(parts);
    this.#single = new SingleCopies(parts.database);
    this.receipts = new Receipts(parts.database);
    this.scrub = new Scrub(parts);
    this.keeping = new Keeping(parts.database, parts.projection, parts.records.node);
  }

  /** This node's identifier, and the epoch it writes. */
  get node(): string {
    return this.#parts.records.node;
  }

  get epoch(): string {
    return this.#parts.records.epoch;
  }

  /** Grows with each request of a client: whether somebody waits to be served. */
  get asked(): number {
    return this.#parts.projection.asked;
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

  /** The last fetches that this node answered, for other nodes. */
  newerFetches(change: number, limit: number): ReturnType<FetchHints['newer']> {
    return this.#parts.fetches.newer(change, limit);
  }

  /** Takes over what another node answered: a hint, which nothing rests on. */
  ingestFetches(fetches: readonly Fetch[]): Promise<void> {
    return this.#parts.commit(() => {
      this.#parts.fetches.take(fetches);
    });
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

  /** Places that hold no record as its node signed it: to be had from others. */
  unsound(limit: number): ChainPlace[] {
    const { unsound } = this.#parts.records;
    return unsound.size === 0 ? [] : unsound.first(limit);
  }

  /** Whether the record at this place is damaged; one that is, is to be had from others then. */
  findsDamaged(place: ChainPlace): boolean {
    const { records, commit, log } = this.#parts;
    if (!records.isDamaged(place)) return false;
    if (records.unsound.has(place)) return true;
    log('error', 'a stored record is damaged', { record: placeName(place) });
    const noted = commit((draft) => {
      records.unsound.note(place);
      draft.audit(damageFound('record', placeName(place)));
    });
    // A node that cannot write looks again when it starts.
    noted.catch(() => undefined);
    return true;
  }

  /** The records at these places, with their secrets, as far as they are here. */
  at(places: readonly ChainPlace[]): Entry[] {
    return this.#exchange.at(places);
  }

  heads(): Heads {
    return this.#parts.records.heads();
  }

  /** The epochs that were written in last, by any node. */
  newestEpochs(limit: number): string[] {
    return this.#parts.records.newestEpochs(limit);
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

  /** Looks whether destroyed objects were kept long enough; gives those it said its word for. */
  async lookAtKept(look: Look): Promise<string[]> {
    return this.#parts.commit((draft) => this.keeping.look(draft, look));
  }

  /** All that are or were members, this node among them. */
  members(): Member[] {
    return this.#parts.records.membership().all();
  }

  copyPolicy(): CopyPolicy {
    return this.#parts.records.copyPolicy();
  }

  /** Takes this node's records, and those of whom it names, from now on. */
  trust(node: string, recordKey: string, reason: 'paired'): Promise<void> {
    return this.#parts.commit(() => {
      this.#parts.records.anchor(node, recordKey, reason);
    });
  }

  /**
   * Says by records that these nodes were members, before what they wrote is taken in: so other
   * nodes, which get all of it from here, take it too. Those that are known already are left out.
   */
  async introduce(recordKeys: Readonly<Record<string, string>>): Promise<void> {
    const known = new Set(this.members().map(({ node }) => node));
    const strangers = Object.entries(recordKeys).filter(([node]) => !known.has(node));
    if (strangers.length === 0) return;
    await this.#parts.commit(() => {
      for (const [node, recordKey] of strangers) {
        const payload = { recordKey, transportKey: '', name: node.slice(0, 8), addresses: [] };
        this.#append('member-joined', node, payload);
      }
    });
  }

  /** Removes those of these nodes that are members still: they are lost, nobody links to them. */
  async removeLost(nodes: readonly string[]): Promise<void> {
    const present = new Set(this.#others());
    const lost = nodes.filter((node) => present.has(node));
    if (lost.length === 0) return;
    await this.#parts.commit(() => {
      for (const node of lost) {
        const heads = this.#parts.records.headsOf(node);
        this.#append('member-removed', node, { heads, why: 'lost' });
      }
    });
  }

  /** Whether this node itself ever made or changed an object, a client or a group. */
  hasActed(): boolean {
    const find = `SELECT 1 FROM record WHERE node = ? AND kind IN (${ofClients}) LIMIT 1`;
    return this.#parts.database.prepare(find).get(this.node) !== undefined;
  }

  /** Whether records of objects, clients or groups are here that lie behind these heads. */
  holdsMore(heads: Heads): boolean {
    const find = this.#parts.database.prepare(
      `SELECT 1 FROM record WHERE epoch = ? AND seq > ? AND kind IN (${ofClients}) LIMIT 1`,
    );
    return Object.entries(this.heads()).some(([epoch, [seq]]) => {
      const from = heads[epoch]?.[0] ?? 0;
      return seq > from && find.get(epoch, from) !== undefined;
    });
  }

  /** Who writes an epoch; undefined for one that is not here. */
  authorOf(epoch: string): string | undefined {
    return this.#parts.records.authorOf(epoch);
  }

  /** The hash of the record at this place, in hexadecimal. */
  hashAt(epoch: string, seq: number): string | undefined {
    return this.#parts.records.hashAt(epoch, seq)?.toString('hex');
  }

  /**
   * The same on every node that holds the same records up to these heads; `pause` gives others
   * their turn. Undefined where this node does not hold them.
   */
  digestAt(pause: () => Promise<void>, heads: Heads): Promise<StateDigest | undefined> {
    return stateDigest({ ...this.#parts, pause }, heads);
  }

  /** The same for all that is here now. Throws KeystoreError while its past is being mended. */
  async digest(pause: () => Promise<void>): Promise<StateDigest> {
    const digest = await stateDigest({ ...this.#parts, pause });
    if (digest !== undefined) return digest;
    throw new KeystoreError('read-only', 'the records are put in order just now');
  }

  /** Writes down what others hold, if that changed. */
  async saveReceipts(): Promise<void> {
    if (!this.receipts.dirty) return;
    await this.#parts.commit(() => {
      this.receipts.write();
    });
  }

  /** Whether some other node, or at least the journal, holds an object. */
  copies(object: string): Copies {
    const creation = this.#creation(object);
    if (creation === undefined) return 'single';
    if (this.#holders().some((holder) => this.receipts.holds(holder, creation))) return 'both';
    return this.receipts.holds(journalHolder, creation) ? 'journal' : 'single';
  }

  /** Objects that no other node holds: how many, and the first ones. */
  uncopied(limit: number): { readonly count: number; readonly objects: readonly string[] } {
    const others = this.#holders();
    const heads = others.map((holder) => this.receipts.heads(holder));
    const held = (epoch: string): number =>
      Math.max(0, ...heads.map((each) => each[epoch]?.[0] ?? 0));
    let count = this.#single.count(this.heads(), held);
    const objects = this.#single.first(limit);
    const lacked = new Set(others.flatMap((holder) => [...this.receipts.lacking(holder)]));
    for (const object of lacked) {
      const creation = this.#creation(object);
      const isCounted = creation !== undefined && creation.seq > held(creation.epoch);
      if (isCounted || this.copies(object) === 'both') continue;
      count++;
      if (objects.length < limit) objects.push(object);
    }
    return { count, objects };
  }

  /** Folds everything anew from the records, and asks for secrets whose rows are gone. */
  async refold(): Promise<void> {
    const { commit, projection, database } = this.#parts;
    await commit(() => {
      projection.applyAll(database);
    });
  }

  /** What is known twice and differs, the first so many of each kind. */
  conflicts(limit: number): Conflict[] {
    const { version } = this.#parts.records;
    if (this.#conflicts?.version !== version || this.#conflicts.limit !== limit) {
      this.#conflicts = { version, limit, found: conflictsIn(this.#parts, limit) };
    }
    return this.#conflicts.found;
  }

  /**
   * Puts own records behind `common` aside: elsewhere other ones stand there. `next`: the epoch to
   * write on in, 16 random bytes in hexadecimal.
   */
  async putAside(epoch: string, common: number, next: string): Promise<number> {
    const { commit, records, projection, now } = this.#parts;
    this.#single.forget();
    return commit(() => {
      const aside = records.putAside(epoch, common, next, now());
      for (const object of new Set(aside.map((record) => record.object))) {
        projection.forget(object);
        projection.refold(object);
      }
      return aside.length;
    });
  }

  /**
   * Takes back what was said of keys behind the end of a backup, in one transaction; who may do
   * what stays. For a node without others: they would bring all of it again.
   */
  goBack(way: WayBack): Promise<WentBack> {
    this.#single.forget();
    return this.#parts.commit(() => goBack(this.#parts, way));
  }

  /** How far records reached that this node went back from: they are not missing. */
  leftBehind(): Heads {
    return JSON.parse(this.recall(leftBehind) ?? '{}') as Heads;
  }

  /** The epochs of own records that were put aside and are not said again yet. */
  unhealed(): string[] {
    return [...new Set(this.#parts.records.unhealed().map(({ epoch }) => epoch))];
  }

  /** Begins a new epoch, says in it again what had been put aside, and records what happened. */
  async endHealing(healing: Healing, epoch: string): Promise<void> {
    await this.#parts.commit((draft) => {
      endHealing(this.#parts, healing, epoch);
      const entry = { request: '', actor: 'node', act: 'node healed', outcome: 'success' } as const;
      draft.audit({ ...entry, reason: healing.why });
    });
  }

  /** Nodes that found their past wrong and mended it, in the order of the records. */
  healings(): (Payloads['node-healed'] & { readonly node: string; readonly time: number })[] {
    return inOrder(this.#parts.records.ofKind('node-healed')).map(({ node, time, payload }) => ({
      node,
      time,
      ...(JSON.parse(payload) as Payloads['node-healed']),
    }));
  }

  /** What this node keeps in mind of itself, beside the records; undefined where nothing was. */
  recall(name: string): string | undefined {
    const find = this.#parts.database.prepare('SELECT value FROM meta WHERE name = ?').pluck();
    return find.get(name) as string | undefined;
  }

  async remember(name: string, value: string): Promise<void> {
    await this.#parts.commit(() => {
      this.#parts.database.prepare('REPLACE INTO meta VALUES (?, ?)').run(name, value);
    });
  }

  /** What every present member can do: a newer way of doing things goes on only then. */
  features(): string[] {
    const { records } = this.#parts;
    const present = [this.node, ...this.#others()].map((node) => records.featuresOf(node) ?? []);
    return (present[0] ?? []).filter((feature) => present.every((each) => each.includes(feature)));
  }

  #creation(object: string): RecordHead | undefined {
    return this.#parts.projection.records(object).find(({ kind }) => kind === 'object-created');
  }

  #append<K extends Kind>(kind: K, object: string, payload: Payloads[K]): void {
    const { records, projection, now } = this.#parts;
    projection.apply(records.append(kind, object, payload, now()));
  }

  /** What counts as a second copy: other nodes, and the database where one carries the records. */
  #holders(): string[] {
    return [...this.#others(), databaseHolder];
  }

  #others(): string[] {
    return this.members()
      .filter(({ node, removed }) => node !== this.node && !removed)
      .map(({ node }) => node);
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
