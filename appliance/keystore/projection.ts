import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import type { ObjectType } from '../kmip/enumeration.ts';
import { stateAt } from '../kmip/state.ts';
import type { Client } from './client.ts';
import type { Database, Statement } from './database.ts';
import { foldClient, foldObject } from './fold.ts';
import type { FoldedClient, FoldedObject } from './fold.ts';
import type { ManagedObject } from './managed-object.ts';
import { decodeForm, decodeValue, encodeValue, subjectOf } from './payload.ts';
import {
  attributeRows,
  clientRow,
  holdsAttributes,
  holdsCells,
  objectRow,
} from './projection-row.ts';
import { creationOf } from './material.ts';
import { decodeHead } from './record.ts';
import type { RecordHead } from './record.ts';
import { remaining, totalOf, Usage, withCount } from './usage.ts';
import type { Limit } from './usage.ts';

interface ObjectRow {
  readonly identifier: string;
  readonly key_group: string;
  readonly type: number;
  readonly algorithm: number;
  readonly length: number;
  readonly initial_date: number;
  readonly last_change_date: number;
  readonly activation_date: number | null;
  readonly deactivation_date: number | null;
  readonly compromise_date: number | null;
  readonly compromise_occurrence_date: number | null;
  readonly destroy_date: number | null;
  readonly activated: number;
  readonly deactivated: number;
  readonly compromised: number;
  readonly destroyed: number;
  readonly purged: number;
  readonly intents: string | null;
  readonly conflicts: string | null;
  readonly revocation: string | null;
  readonly commitment: Buffer | null;
  readonly form: Buffer;
}

/** Secrets that should be here and are not are to be asked for. */
const withoutSecret = `INSERT OR IGNORE INTO lacking SELECT identifier FROM object o
  WHERE o.commitment IS NOT NULL AND NOT EXISTS (SELECT 1 FROM material m
    WHERE m.object = o.identifier AND m.commitment = o.commitment)`;

const objectColumns = [
  ...['identifier', 'key_group', 'type', 'algorithm', 'length', 'usage_mask', 'initial_date'],
  ...['last_change_date', 'activation_date', 'deactivation_date', 'compromise_date'],
  ...['compromise_occurrence_date', 'destroy_date', 'compromised', 'destroyed', 'revocation'],
  ...['commitment', 'form', 'digest', 'conflicts', 'activated', 'deactivated', 'purged', 'intents'],
];
const clientColumns = [
  ...['id', 'name', 'key_group', 'fingerprint', 'state', 'certificate', 'added', 'digest'],
];
const putObject = `INSERT INTO object (${objectColumns.join()})
  VALUES (${objectColumns.map(() => '?').join()})
  ON CONFLICT (identifier) DO UPDATE SET
  ${objectColumns
    .slice(1)
    .map((column) => `${column} = excluded.${column}`)
    .join()}`;

/** The tables that are the fold's image: written with each record, read by everything. */
export class Projection {
  readonly usage: Usage;
  /** How often a client was looked for: once at least for each of its requests. */
  asked = 0;
  readonly #now: () => number;
  readonly #object: Statement;
  readonly #attributes: Statement;
  readonly #records: Statement;
  readonly #putObject: Statement;
  readonly #dropAttributes: Statement;
  readonly #putAttribute: Statement;
  readonly #putClient: Statement;
  readonly #putGroup: Statement;
  readonly #client: Statement;
  readonly #clients: Statement;
  readonly #clientRow: Statement;
  readonly #subjects: Statement;
  readonly #groups: Statement;
  readonly #page: Statement;
  readonly #newer: Statement;
  readonly #purged: Statement;
  readonly #dropObject: Statement;
  readonly #dropClient: Statement;
  readonly #dropMaterial: Statement;
  readonly #dropLacking: Statement;
  readonly #dropKept: Statement;
  readonly #putTwinName: Statement;
  readonly #forks: Statement;
  readonly #expect: Statement;
  #purges: string[] = [];
  #returns: string[] = [];
  /** How often all rows were written anew. */
  foldings = 0;

  /** `now`: seconds since 1970; states are computed from dates when they are read. */
  constructor(database: Database, now: () => number) {
    this.#now = now;
    this.usage = new Usage(database);
    const prepare = (sql: string): Statement => database.prepare(sql);
    this.#object = prepare('SELECT * FROM object WHERE identifier = ?');
    this.#attributes = prepare(
      `SELECT name, ordinal, instance, value FROM attribute WHERE object = ?
        ORDER BY name, ordinal`,
    );
    this.#records = prepare('SELECT body FROM record WHERE object = ?');
    this.#putObject = prepare(putObject);
    this.#dropAttributes = prepare('DELETE FROM attribute WHERE object = ?');
    this.#putAttribute = prepare('INSERT INTO attribute VALUES (?, ?, ?, ?, ?)');
    this.#putClient = prepare(
      `REPLACE INTO client (${clientColumns.join()}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#putGroup = prepare('INSERT OR IGNORE INTO key_group VALUES (?)');
    this.#client = prepare(`SELECT * FROM client WHERE fingerprint = ?
      ORDER BY state = 'blocked' DESC, state = 'allowed' DESC, added DESC, id LIMIT 1`);
    this.#clientRow = prepare('SELECT * FROM client WHERE id = ?');
    this.#subjects = prepare(`SELECT identifier FROM object WHERE identifier > ?
      UNION SELECT id FROM client WHERE id > ? ORDER BY 1 LIMIT ?`).pluck();
    this.#clients = prepare('SELECT * FROM client ORDER BY added, name, id');
    this.#groups = prepare('SELECT name FROM key_group ORDER BY name').pluck();
    this.#dropObject = prepare('DELETE FROM object WHERE identifier = ?');
    this.#dropClient = prepare('DELETE FROM client WHERE id = ?');
    this.#purged = prepare('SELECT 1 FROM object WHERE identifier = ? AND purged = 1');
    this.#dropMaterial = prepare('DELETE FROM material WHERE object = ?');
    this.#dropLacking = prepare('DELETE FROM lacking WHERE object = ?');
    this.#dropKept = prepare('DELETE FROM kept WHERE object = ?');
    this.#expect = prepare(`${withoutSecret} AND o.identifier = ?`);
    this.#putTwinName = prepare(`INSERT OR IGNORE INTO twin_name SELECT ?, ? WHERE EXISTS (
      SELECT 1 FROM attribute a JOIN object o ON o.identifier = a.object
      WHERE a.name = 'Name' AND a.value = ? AND a.object <> ? AND +o.key_group = ?
        AND o.destroyed = 0)`);
    this.#forks = prepare('SELECT body FROM fork WHERE object = ?');
    // The unary plus keeps SQLite from walking the whole group for each key.
    this.#newer = prepare(`SELECT 1 FROM attribute a JOIN object o ON o.identifier = a.object
      WHERE a.name = 'x-Identifier' AND a.value = ? AND +o.key_group = ? AND o.destroyed = 0
        AND +o.id > (SELECT id FROM object WHERE identifier = ?) LIMIT 1`);
    this.#page = prepare(`SELECT * FROM object WHERE id >
      coalesce((SELECT id FROM object WHERE identifier = ?), 0) ORDER BY id LIMIT ?`);
  }

  /** Brings the tables in step with all records that speak of what this record speaks of. */
  apply(record: RecordHead): void {
    const subject = subjectOf(record.kind);
    if (subject === 'usage') {
      this.usage.apply(record);
      return;
    }
    if (subject === undefined || subject === 'node' || subject === 'rule') return;
    if (subject === 'group') {
      this.#putGroup.run(record.object);
      return;
    }
    if (subject === 'client') {
      const client = foldClient(this.records(record.object));
      if (client !== undefined) this.#writeClient(client);
      return;
    }
    // A creation is mostly the first word on its object: no need to ask for others.
    const object = foldObject(this.records(record.object));
    if (object !== undefined) this.#writeObject(object);
  }

  /**
   * The same for many records at once, an object or client that several speak of once. What lies
   * between them is not seen: what was purged and came back is as one that never went.
   */
  applyTogether(records: readonly RecordHead[]): void {
    const subjects = new Set<string>();
    for (const record of records) {
      const subject = subjectOf(record.kind);
      if (subject === 'object' || subject === 'client') {
        const name = `${subject} ${record.object}`;
        if (subjects.has(name)) continue;
        subjects.add(name);
      }
      this.apply(record);
    }
  }

  /** Folds everything anew: after an upgrade, or where the tables lost something. */
  applyAll(database: Database): void {
    this.foldings++;
    for (const table of ['object', 'attribute', 'client', 'twin_name'])
      database.exec(`DELETE FROM ${table}`);
    const first = database.prepare(
      `SELECT body FROM record WHERE id IN (SELECT min(id) FROM record GROUP BY object)
        ORDER BY id`,
    );
    for (const head of heads(first.all())) this.refold(head.object);
    const groups = database.prepare(`SELECT DISTINCT object FROM record WHERE kind = 'group-made'`);
    for (const name of groups.pluck().all() as string[]) this.#putGroup.run(name);
    database.exec(withoutSecret);
  }

  /** Brings the rows of one object or client in step with its records. */
  refold(object: string): void {
    const records = this.records(object);
    const client = foldClient(records);
    if (client !== undefined) this.#writeClient(client);
    const folded = foldObject(records);
    if (folded !== undefined) this.#writeObject(folded);
  }

  /** Whether the rows of an object or client are what its records come to. */
  isTrue(object: string): boolean {
    const records = this.records(object);
    const client = foldClient(records);
    if (client !== undefined && !holdsCells(rowOf(this.#clientRow, object), clientRow(client))) {
      return false;
    }
    const folded = foldObject(records);
    if (folded === undefined) return true;
    return (
      holdsCells(rowOf(this.#object, object), objectRow(folded)) &&
      holdsAttributes(this.#attributes.all(object) as Row[], attributeRows(folded))
    );
  }

  /** Objects and clients whose rows are there, by identifier. */
  subjects(after: string, limit: number): string[] {
    return this.#subjects.all(after, after, limit) as string[];
  }

  /** Whether an object or client has a row. */
  isThere(object: string): boolean {
    return this.#object.get(object) !== undefined || this.#clientRow.get(object) !== undefined;
  }

  /** Takes an object or client out whose creation is no longer among the records. */
  forget(object: string): void {
    if (this.records(object).length > 0) return;
    this.#dropAttributes.run(object);
    this.#dropObject.run(object);
    this.#dropClient.run(object);
  }

  /** The records that speak of an object or client, of the kinds that this version folds. */
  records(object: string): RecordHead[] {
    return heads(this.#records.all(object)).filter(({ kind }) => subjectOf(kind) !== undefined);
  }

  /** The creation that commits to a secret, be it the one that is served, a conflict or a fork. */
  creation(object: string, commitment: string): RecordHead | undefined {
    return [...this.records(object), ...heads(this.#forks.all(object))].find(
      (head) => creationOf(head)?.commitment === commitment,
    );
  }

  /** The objects whose material went since this was asked last. */
  takePurges(): string[] {
    const purges = this.#purges;
    this.#purges = [];
    return purges;
  }

  /**
   * The objects that were purged and are not any more, since this was asked last: whatever brought
   * their secrets before that has to bring them again.
   */
  takeReturns(): string[] {
    const returns = this.#returns;
    this.#returns = [];
    return returns;
  }

  isPurged(object: string): boolean {
    return this.#purged.get(object) !== undefined;
  }

  object(identifier: string): ManagedObject | undefined {
    const row = this.#object.get(identifier) as ObjectRow | undefined;
    return row === undefined ? undefined : this.#managed(row);
  }

  page(after: string | undefined, limit: number): ManagedObject[] {
    const rows = this.#page.all(after ?? '', limit) as ObjectRow[];
    return rows.map((row) => this.#managed(row));
  }

  /** Whether a newer object of the group, not destroyed, bears the same x-Identifier. */
  isSuperseded({ uniqueIdentifier, group, attributes }: ManagedObject): boolean {
    const owner = attributes.find(({ name }) => name === 'x-Identifier');
    if (owner === undefined) return false;
    const bytes = encodeValue(owner.value);
    return this.#newer.get(bytes, group, uniqueIdentifier) !== undefined;
  }

  client(fingerprint: string): Client | undefined {
    this.asked++;
    const row = this.#client.get(fingerprint) as ClientRow | undefined;
    return row === undefined ? undefined : clientOf(row);
  }

  clients(): Client[] {
    return (this.#clients.all() as ClientRow[]).map(clientOf);
  }

  groups(): string[] {
    return this.#groups.all() as string[];
  }

  #managed(row: ObjectRow): ManagedObject {
    const attributes = this.#attributes.all(row.identifier) as AttributeRow[];
    const activation = optional('activationDate', row.activation_date);
    const deactivation = optional('deactivationDate', row.deactivation_date);
    const life = {
      ...activation,
      ...deactivation,
      activated: row.activated !== 0,
      deactivated: row.deactivated !== 0,
      compromised: row.compromised !== 0,
      destroyed: row.destroyed !== 0,
    };
    return {
      uniqueIdentifier: row.identifier,
      objectType: row.type as ObjectType,
      group: row.key_group,
      state: stateAt(life, this.#now()),
      algorithm: row.algorithm,
      length: row.length,
      initialDate: row.initial_date,
      lastChangeDate: row.last_change_date,
      ...activation,
      ...deactivation,
      ...optional('compromiseDate', row.compromise_date),
      ...optional('compromiseOccurrenceDate', row.compromise_occurrence_date),
      ...optional('destroyDate', row.destroy_date),
      ...(row.revocation === null
        ? {}
        : { revocationReason: JSON.parse(row.revocation) as { code: number; message?: string } }),
      attributes: attributes.map((each) => this.#counted(row.identifier, each)),
      form: decodeForm(row.form),
      hasMaterial: row.commitment !== null,
      intents: row.intents === null ? [] : (JSON.parse(row.intents) as ManagedObject['intents']),
      conflicts:
        row.conflicts === null ? [] : (JSON.parse(row.conflicts) as ManagedObject['conflicts']),
      purged: row.purged !== 0,
    };
  }

  /** The limit on an object's use; undefined where it has none. */
  limit(object: string): Limit | undefined {
    const rows = this.#attributes.all(object) as AttributeRow[];
    const row = rows.find(({ name }) => name === 'Usage Limits');
    return row === undefined ? undefined : this.#limitOf(row);
  }

  #limitOf({ instance, value }: AttributeRow): Limit {
    const total = totalOf(decodeValue(value));
    return { instance, owner: this.usage.owner(instance), total };
  }

  /** An attribute as it is read: Usage Limits with the count that is left (KMIP 1.4 §3.21). */
  #counted(object: string, row: AttributeRow): AttributeInstance {
    const attribute = instanceOf(row);
    if (row.name !== 'Usage Limits') return attribute;
    const left = remaining(this.usage.folded(object), this.#limitOf(row));
    return { ...attribute, value: withCount(attribute.value, left) };
  }

  #writeObject(object: FoldedObject): void {
    const returns = !object.purged && this.isPurged(object.identifier);
    const row = objectRow(object);
    this.#putObject.run(...objectColumns.map((column) => row[column] ?? null));
    if (returns) {
      this.#expect.run(object.identifier);
      this.#returns.push(object.identifier);
    }
    if (object.purged) {
      const { changes } = this.#dropMaterial.run(object.identifier);
      if (changes > 0) this.#purges.push(object.identifier);
      this.#dropLacking.run(object.identifier);
      this.#dropKept.run(object.identifier);
    }
    this.#dropAttributes.run(object.identifier);
    const { identifier, group } = object;
    for (const [name, ordinal, instance, value] of attributeRows(object)) {
      this.#putAttribute.run(identifier, name, ordinal, instance, value);
      if (name === 'Name') this.#putTwinName.run(group, value, value, identifier, group);
    }
  }

  #writeClient(client: FoldedClient): void {
    this.#putGroup.run(client.group);
    const row = clientRow(client);
    this.#putClient.run(...clientColumns.map((column) => row[column] ?? null));
  }
}

type Row = Readonly<Record<string, unknown>>;

function rowOf(statement: Statement, key: string): Row | undefined {
  return statement.get(key) as Row | undefined;
}

function heads(rows: unknown[]): RecordHead[] {
  const bodies = rows as { body: Buffer }[];
  return bodies.map(({ body }) => decodeHead(body)).filter((head) => head !== undefined);
}

interface AttributeRow {
  readonly name: string;
  readonly ordinal: number;
  readonly instance: string;
  readonly value: Buffer;
}

function instanceOf({ name, ordinal, value }: AttributeRow): AttributeInstance {
  return { name, index: ordinal, value: decodeValue(value) };
}

interface ClientRow {
  readonly id: string;
  readonly name: string;
  readonly key_group: string;
  readonly fingerprint: string;
  readonly state: Client['state'];
  readonly certificate: string;
  readonly added: number;
}

function clientOf(row: ClientRow): Client {
  const { id, name, key_group: group, fingerprint, state, certificate, added } = row;
  return { id, name, group, fingerprint, state, certificate, added };
}

function optional<N extends string, T>(name: N, value: T | null): Partial<Record<N, T>> {
  return value === null ? {} : ({ [name]: value } as Record<N, T>);
}
