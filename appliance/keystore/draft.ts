import type { AuditEntry } from '../audit/event.ts';
import type { AuditLog } from './audit-log.ts';
import { encode } from '../ttlv/encode.ts';
import type { Administrator } from './administrator.ts';
import type { Change } from './change.ts';
import type { Client } from './client.ts';
import type { Database, Statement } from './database.ts';
import { KeystoreError } from './error.ts';
import { foldGroupRule, ruleKey } from './group-rule.ts';
import type { Draft, Spending } from './keystore.ts';
import { locate } from './locate-query.ts';
import type { LocateFilter } from './locate.ts';
import type { ManagedObject } from './managed-object.ts';
import { encodeForm, encodeValue, packAttribute } from './payload.ts';
import type { Kind, Payloads } from './payload.ts';
import { foldClient, foldObject, isBound } from './fold.ts';
import type { FoldedAttribute } from './fold-attribute.ts';
import { generationOf } from './rewrap.ts';
import { foldRetention } from './retention.ts';
import type { Projection } from './projection.ts';
import type { RecordLog } from './record-log.ts';
import { holding, remaining, usageKey } from './usage.ts';

export interface DraftParts {
  readonly database: Database;
  readonly projection: Projection;
  readonly records: RecordLog;
  readonly audit: AuditLog;
  readonly now: () => number;
  readonly node: string;
  /** The other nodes of the cluster that serve, for their part of what is limited. */
  readonly peers: () => readonly string[];
  /** Generations of the wrapping key, in hexadecimal, that nothing may be sealed under. */
  readonly retired: ReadonlySet<string>;
  /** Refuses what must not be written now by throwing a KeystoreError. */
  readonly admit: (kind: Kind) => void;
}

type EndKind = 'destroy-intended' | 'destroy-cancelled' | 'purge-agreed' | 'retention-set';

type NodeKind =
  | 'administrator-enrolled'
  | 'administrator-allowed'
  | 'administrator-blocked'
  | 'conflict-acknowledged'
  | 'member-joined'
  | 'member-removed'
  | 'copy-policy-set'
  | 'audit-head'
  | 'node-healed';

/** One transaction's view of the keystore, in which changes become records. */
export class OpenDraft implements Draft {
  readonly #parts: DraftParts;
  readonly #putMaterial: Statement;

  constructor(parts: DraftParts) {
    this.#parts = parts;
    this.#putMaterial = parts.database.prepare('INSERT INTO material VALUES (?, ?, ?)');
  }

  object(uniqueIdentifier: string): ManagedObject | undefined {
    return this.#parts.projection.object(uniqueIdentifier);
  }

  locate(group: string, filter: LocateFilter): readonly string[] {
    return locate(this.#parts.database, group, filter, this.#parts.now());
  }

  clients(): readonly Client[] {
    return this.#parts.projection.clients();
  }

  groups(): readonly string[] {
    return this.#parts.projection.groups();
  }

  administrators(): readonly Administrator[] {
    return this.#parts.records.administrators();
  }

  audit(entry: AuditEntry): void {
    this.#parts.audit.append(entry, this.#parts.now());
  }

  spend(uniqueIdentifier: string, amount: bigint): Spending {
    const { projection, node, peers } = this.#parts;
    const limit = projection.limit(uniqueIdentifier);
    if (limit === undefined) return 'unlimited';
    const used = projection.usage.folded(uniqueIdentifier);
    const key = usageKey(uniqueIdentifier);
    if (remaining(used, limit) < amount) return 'exceeded';
    if (holding(used, limit, node) < amount) return 'elsewhere';
    const before = used.get(limit.instance)?.get(node) ?? 0n;
    const spent = { limit: limit.instance, amount: String(before + amount) };
    this.#record('usage-spent', key, spent);
    for (const to of peers()) {
      const gift = (holding(used, limit, node) - holding(used, limit, to)) / 2n;
      // Handed on in large pieces only: a peer that has a third of mine can serve for a while.
      if (holding(used, limit, to) * 3n >= holding(used, limit, node)) continue;
      const given = used.get(limit.instance)?.get(`${node}>${to}`) ?? 0n;
      const granted = { limit: limit.instance, amount: String(given + gift), to };
      if (gift > 0n) this.#record('usage-granted', key, granted);
    }
    return 'spent';
  }

  append(change: Change): void {
    switch (change.kind) {
      case 'object-created':
        this.#create(change);
        return;
      case 'attribute-set': {
        const { object, mode, attribute } = change;
        const { name, index, value } = attribute;
        const seen = mode === 'add' ? undefined : this.#instance(object, name, index);
        const text = encodeValue(value).toString('hex');
        const { instance = null, heads: replaces = [] } = seen ?? {};
        this.#record('attribute-set', object, { name, index, value: text, instance, replaces });
        return;
      }
      case 'attribute-deleted': {
        const seen = this.#instance(change.object, change.name, change.index);
        const { instance, heads: replaces } = seen;
        this.#record('attribute-deleted', change.object, { instance, replaces });
        return;
      }
      case 'date-set': {
        const folded = foldObject(this.#parts.projection.records(change.object));
        const replaces = folded?.dates[change.name]?.heads ?? [];
        const { name, value } = change;
        this.#record('date-set', change.object, { name, value, replaces });
        return;
      }
      case 'object-activated':
        this.#record(change.kind, change.object, { date: change.date });
        return;
      case 'object-revoked':
        this.#record(change.kind, change.object, {
          code: change.code,
          message: change.message ?? null,
          date: change.date,
          occurrence: change.compromiseOccurrenceDate ?? null,
        });
        return;
      case 'group-made':
        this.#record(change.kind, change.group, {});
        return;
      case 'group-rule-set':
        this.#setRule(change);
        return;
      case 'client-enrolled': {
        const { kind, client, name, group, fingerprint, certificate, state } = change;
        this.#record(kind, client, { name, group, fingerprint, certificate, state });
        return;
      }
      case 'client-allowed': {
        const folded = foldClient(this.#parts.projection.records(change.client));
        const replaces = folded?.heads ?? [];
        this.#record(change.kind, change.client, { group: change.group, replaces });
        return;
      }
      case 'client-blocked':
        this.#record(change.kind, change.client, {});
        return;
      case 'destroy-intended':
      case 'destroy-cancelled':
      case 'purge-agreed':
      case 'retention-set':
        this.#appendOfEnds(change);
        return;
      default:
        this.#appendOfNodes(change);
    }
  }

  #appendOfEnds(change: Extract<Change, { kind: EndKind }>): void {
    switch (change.kind) {
      case 'destroy-intended':
        this.#record(change.kind, change.object, {
          date: change.date,
          retention: foldRetention(this.#parts.projection.records('cluster')).seconds,
        });
        return;
      case 'destroy-cancelled':
        this.#cancelIntents(change.object);
        return;
      case 'purge-agreed': {
        const { intent, members } = change;
        this.#record(change.kind, change.object, { intent, members });
        return;
      }
      case 'retention-set': {
        const { heads: replaces } = foldRetention(this.#parts.projection.records('cluster'));
        this.#record(change.kind, 'cluster', { seconds: change.seconds, replaces });
        return;
      }
    }
  }

  #appendOfNodes(change: Extract<Change, { kind: NodeKind }>): void {
    const { records } = this.#parts;
    switch (change.kind) {
      case 'administrator-enrolled': {
        const { kind, administrator, name, role, fingerprint, certificate } = change;
        this.#record(kind, administrator, { name, role, fingerprint, certificate });
        return;
      }
      case 'administrator-allowed': {
        const { kind, administrator, role } = change;
        const known = records.administrators().find(({ id }) => id === administrator);
        this.#record(kind, administrator, { role, replaces: known?.heads ?? [] });
        return;
      }
      case 'administrator-blocked':
        this.#record(change.kind, change.administrator, {});
        return;
      case 'member-joined': {
        const { kind, node, recordKey, transportKey, name, addresses } = change;
        this.#record(kind, node, { recordKey, transportKey, name, addresses });
        return;
      }
      case 'member-removed':
        this.#record(change.kind, change.node, { heads: records.headsOf(change.node) });
        return;
      case 'copy-policy-set': {
        const { kind, policy, seconds } = change;
        this.#record(kind, 'cluster', { policy, seconds, replaces: records.copyPolicy().heads });
        return;
      }
      case 'conflict-acknowledged':
        this.#record(change.kind, 'cluster', { conflict: change.conflict });
        return;
      case 'audit-head':
        this.#record(change.kind, records.node, { seq: change.seq, hash: change.hash });
        return;
      case 'node-healed': {
        const { kind, why, epoch, common, recovered, rewritten } = change;
        this.#record(kind, records.node, { why, epoch, common, recovered, rewritten });
        return;
      }
    }
  }

  #setRule({ kind, group, rule, value }: Extract<Change, { kind: 'group-rule-set' }>): void {
    const key = ruleKey(group);
    const { heads: replaces } = foldGroupRule(this.#parts.projection.records(key), rule);
    const text = value === undefined ? null : encode(value).toString('hex');
    this.#record(kind, key, { rule, value: text, replaces });
  }

  #create(change: Extract<Change, { kind: 'object-created' }>): void {
    const { object, group, objectType, attributes, form, material } = change;
    this.#record('object-created', object, {
      group,
      type: objectType,
      attributes: attributes.map(packAttribute),
      form: encodeForm(form).toString('hex'),
      commitment: material === undefined ? null : Buffer.from(material.commitment).toString('hex'),
    });
    if (material !== undefined) {
      if (this.#parts.retired.has(generationOf(material.sealed).toString('hex'))) {
        throw new KeystoreError('keeper-unavailable', 'the wrapping key was rotated meanwhile');
      }
      this.#putMaterial.run(object, Buffer.from(material.commitment), Buffer.from(material.sealed));
    }
  }

  #cancelIntents(object: string): void {
    const { projection, node } = this.#parts;
    const intents = foldObject(projection.records(object))?.intents ?? [];
    if (intents.some((intent) => isBound(node, intent))) {
      throw new KeystoreError('purge-agreed', 'this node has agreed to purge the object');
    }
    for (const { record } of intents) this.#record('destroy-cancelled', object, { intent: record });
  }

  #instance(object: string, name: string, index: number): FoldedAttribute {
    const found = foldObject(this.#parts.projection.records(object))?.attributes.find(
      (attribute) => attribute.name === name && attribute.index === index,
    );
    if (found !== undefined) return found;
    throw new KeystoreError('commit-failed', 'no such attribute instance');
  }

  #record<K extends Kind>(kind: K, object: string, payload: Payloads[K]): void {
    const { records, projection, now, admit } = this.#parts;
    admit(kind);
    projection.apply(records.append(kind, object, payload, now()));
  }
}
