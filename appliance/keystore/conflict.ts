import { hash } from 'node:crypto';
import type { Database } from './database.ts';
import { foldClient } from './fold.ts';
import type { Conflict as Said } from './fact.ts';
import { decodeValue } from './payload.ts';
import type { Payloads } from './payload.ts';
import type { Projection } from './projection.ts';
import type { RecordLog } from './record-log.ts';

/** Two things that cannot both hold; both are kept, and a person is told until it is settled. */
export interface Conflict {
  /** 16 hexadecimal digits: the same on every node, another one where something is added. */
  readonly id: string;
  /**
   * `fork`: two records at one place of a chain; `creation`: two objects under one identifier;
   * `value`: two values set at once; `client`: two enrolments or groups of one client; `purge`: an
   * end that was taken back on a disk that was put back, and had come already; `undestroy`: one
   * that was taken back by a node that nobody had asked before it came; `name`: one Name of two
   * objects in one key group, given on two nodes that were apart.
   */
  readonly kind: 'fork' | 'creation' | 'value' | 'client' | 'purge' | 'undestroy' | 'name';
  /** The attribute, the place or the Name. */
  readonly about: string;
  /** The objects, or the client, it is about: of two with one Name the older one first. */
  readonly objects: readonly string[];
  /** The records that do not hold. */
  readonly records: readonly string[];
  /** Whether nothing is to be done: a person said so, or the node has said it anew. */
  readonly settled: boolean;
}

export interface ConflictParts {
  readonly database: Database;
  readonly projection: Projection;
  readonly records: RecordLog;
}

type Found = Omit<Conflict, 'id' | 'settled'> & { readonly healed?: boolean };

/** What differs, the first so many of each kind. */
export function conflictsIn(parts: ConflictParts, limit: number): Conflict[] {
  const found = [
    ...forks(parts, limit),
    ...ofObjects(parts, limit),
    ...ofClients(parts, limit),
    ...ofNames(parts, limit),
  ];
  const acknowledged = new Set(
    parts.records
      .ofKind('conflict-acknowledged')
      .map(({ payload }) => (JSON.parse(payload) as Payloads['conflict-acknowledged']).conflict),
  );
  return found.map(({ healed = false, ...conflict }) => {
    const { kind, about, objects, records } = conflict;
    const named = JSON.stringify([kind, about, [...objects].sort(), [...records].sort()]);
    const id = hash('sha256', named, 'hex').slice(0, 16);
    return { id, ...conflict, settled: healed || acknowledged.has(id) };
  });
}

function forks({ database, records }: ConflictParts, limit: number): Found[] {
  const rows = database
    .prepare('SELECT epoch, seq, object, hash FROM fork ORDER BY seen DESC, hash LIMIT ?')
    .all(limit) as { epoch: string; seq: number; object: string; hash: Buffer }[];
  const healed = new Set(
    records
      .ofKind('node-healed')
      .map(({ payload }) => (JSON.parse(payload) as Payloads['node-healed']).epoch),
  );
  return rows.map(({ epoch, seq, object, hash: found }) => ({
    kind: 'fork',
    about: `${epoch}.${seq}`,
    objects: [object],
    records: [found.toString('hex')],
    healed: healed.has(epoch),
  }));
}

function ofObjects({ database }: ConflictParts, limit: number): Found[] {
  const rows = database
    .prepare('SELECT identifier, conflicts FROM object WHERE conflicts IS NOT NULL LIMIT ?')
    .all(limit) as { identifier: string; conflicts: string }[];
  return rows.flatMap(({ identifier, conflicts }) =>
    byAbout(JSON.parse(conflicts) as Said[]).map(([about, records]) => ({
      kind: isKind(about) ? about : ('value' as const),
      about,
      objects: [identifier],
      records,
    })),
  );
}

/** What is no attribute's name. */
function isKind(about: string): about is 'creation' | 'purge' | 'undestroy' {
  return /^(creation|purge|undestroy)$/.test(about);
}

function ofClients({ projection }: ConflictParts, limit: number): Found[] {
  const found = projection.clients().flatMap(({ id }) =>
    byAbout(foldClient(projection.records(id))?.conflicts ?? []).map(([about, records]) => ({
      kind: 'client' as const,
      ...{ about, objects: [id], records },
    })),
  );
  return found.slice(0, limit);
}

function ofNames({ database }: ConflictParts, limit: number): Found[] {
  const rows = database
    .prepare(
      `SELECT t.key_group AS keyGroup, t.value, o.identifier FROM twin_name t
        JOIN attribute a ON a.name = 'Name' AND a.value = t.value
        JOIN object o ON o.identifier = a.object AND o.key_group = t.key_group AND o.destroyed = 0
        ORDER BY t.key_group, t.value, o.initial_date, o.identifier LIMIT ?`,
    )
    .all(limit) as { keyGroup: string; value: Buffer; identifier: string }[];
  const groups = new Map<string, { about: string; objects: string[] }>();
  for (const { keyGroup, value, identifier } of rows) {
    const key = `${keyGroup} ${value.toString('hex')}`;
    const named = groups.get(key) ?? { about: nameIn(value), objects: [] };
    groups.set(key, named);
    named.objects.push(identifier);
  }
  return [...groups.values()]
    .filter(({ objects }) => objects.length > 1)
    .map(({ about, objects }) => ({ kind: 'name', about, objects, records: [] }));
}

/** A Name is a structure of its text and its type (KMIP 1.4 §3.2). */
function nameIn(value: Buffer): string {
  const name = decodeValue(value);
  const text = name.type === 'Structure' ? name.value[0]?.value : undefined;
  return typeof text === 'string' ? text : value.toString('hex');
}

function byAbout(conflicts: readonly Said[]): [string, string[]][] {
  const found = new Map<string, string[]>();
  for (const { about, record } of conflicts) {
    found.set(about, [...(found.get(about) ?? []), record]);
  }
  return [...found];
}
