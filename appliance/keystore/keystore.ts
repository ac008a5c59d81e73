import type { AuditEntry } from '../audit/event.ts';
import type { Administrator } from './administrator.ts';
import type { Change } from './change.ts';
import type { Conflict } from './conflict.ts';
import type { Client } from './client.ts';
import type { Fetch } from './fetch-hint.ts';
import type { Item } from '../ttlv/item.ts';
import type { GroupRuleName } from './group-rule.ts';
import type { LocateFilter } from './locate.ts';
import type { ManagedObject, MaterialContext, SealedMaterial } from './managed-object.ts';
import type { Copies } from './receipt.ts';

/** The secret bytes of one object, wiped when disposed; prints as its length only. */
export interface KeyMaterial extends Disposable {
  readonly bytes: Buffer;
}

export type Spending = 'spent' | 'unlimited' | 'exceeded' | 'elsewhere';

/** What a mutation sees and says inside one commit; reads include what it already appended. */
export interface Draft {
  object(uniqueIdentifier: string): ManagedObject | undefined;
  locate(group: string, filter: LocateFilter): readonly string[];
  clients(): readonly Client[];
  groups(): readonly string[];
  administrators(): readonly Administrator[];
  append(change: Change): void;
  /**
   * Takes an amount off an object's Usage Limits, in the limit's own unit, for good. `unlimited`
   * where it has none; `elsewhere` where enough is left, but another node holds it.
   */
  spend(uniqueIdentifier: string, amount: bigint): Spending;
  /** Recorded in the same commit; dropped with it when the mutation throws. */
  audit(entry: AuditEntry): void;
}

/** The keystore as operations and the admin API use it. All reads are local and synchronous. */
export interface Keystore {
  /** Also answers destroyed objects: tombstones stay for ever. */
  object(uniqueIdentifier: string): ManagedObject | undefined;
  /** Identifiers of the group's objects that match, oldest first. */
  locate(group: string, filter: LocateFilter): readonly string[];
  /** Objects of all groups, for administrators: ordered by initial date; pages by identifier. */
  list(page: { readonly after?: string; readonly limit: number }): readonly ManagedObject[];
  count(): { readonly objects: number; readonly records: number };
  /** Whether another node, or at least the journal, is known to hold an object too. */
  copies(uniqueIdentifier: string): Copies;
  /** When it was fetched last, at whichever node: known to the minute, and only a hint. */
  fetched(uniqueIdentifier: string): Fetch | undefined;
  /** Whether its group has a newer object, not destroyed, with the same x-Identifier. */
  isSuperseded(object: ManagedObject): boolean;
  /**
   * For how many seconds more this node keeps a destroyed object's material at least; undefined for
   * one that is not destroyed, or is purged already.
   */
  kept(object: ManagedObject): number | undefined;
  /** Destroyed objects whose material is still kept, by identifier. */
  keptObjects(page: { readonly after?: string; readonly limit: number }): readonly ManagedObject[];
  /** What is known twice and differs, the first so many of each kind. */
  conflicts(limit: number): readonly Conflict[];
  /** For how long the material of what is destroyed from now on is kept, in seconds. */
  retention(): number;
  client(fingerprint: string): Client | undefined;
  clients(): readonly Client[];
  groups(): readonly string[];
  /** Who administers over HTTPS, in the order in which they were added; also those shut out. */
  administrators(): readonly Administrator[];
  /** What is set for all that is made in a key group, as structures of KMIP 2.1, and by whom. */
  rules(group: string, rule: GroupRuleName): readonly Item[];

  /** Seals a secret under the wrapping key. Throws KeystoreError `keeper-unavailable`. */
  seal(context: MaterialContext, secret: Uint8Array): Promise<SealedMaterial>;
  /**
   * Opens an object's secret through the keeper and checks it against its commitment.
   * Throws KeystoreError `material-missing`, `material-corrupt`, `keeper-unavailable`.
   */
  open(object: ManagedObject): Promise<KeyMaterial>;

  /**
   * Runs a synchronous mutation inside the next group commit and resolves when it is durable
   * (and, in a cluster, confirmed as the policy demands). What the mutation throws rejects the
   * promise and leaves nothing behind. Throws KeystoreError `commit-failed` when the disk refused:
   * final until the keystore is reopened.
   */
  change<T>(mutation: (draft: Draft) => T): Promise<Awaited<T>>;
  /** Records a read or a denial in the next group commit; never throws, gaps are counted. */
  note(entry: AuditEntry): void;
  /** A real database read; throws KeystoreError when the keystore cannot serve. */
  check(): void;
  /** Commits what waits and closes the database. */
  close(): Promise<void>;
}
