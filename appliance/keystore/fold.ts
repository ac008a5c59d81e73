import { hash } from 'node:crypto';
import { attributeRules, isCustom } from '../kmip/attribute.ts';
import { isCompromise } from '../kmip/state.ts';
import type { Payloads } from './payload.ts';
import { compareRecords, recordId } from './record.ts';
import type { RecordHead } from './record.ts';

/**
 * The state of one object, client or group as a pure function of the records that speak of it.
 * Whatever order they came in, and however often, they are put into one order first; then each rule
 * below is a union, a minimum, or "named by a later record", so nodes that hold the same records
 * hold the same state (DESIGN, "Records, not rows").
 */
export const foldVersion = 1;

export interface FoldedAttribute {
  readonly name: string;
  readonly index: number;
  /** The record that added it: what a modification or deletion names. */
  readonly instance: string;
  /** TTLV bytes in hexadecimal. */
  readonly value: string;
}

export interface FoldedDate {
  readonly value: number;
  /** The records that a newer setting has to replace. */
  readonly heads: readonly string[];
}

export interface FoldedObject {
  readonly identifier: string;
  readonly group: string;
  readonly type: number;
  readonly form: string;
  readonly commitment: string | null;
  readonly initialDate: number;
  readonly lastChangeDate: number;
  readonly attributes: readonly FoldedAttribute[];
  readonly dates: Readonly<Record<string, FoldedDate>>;
  readonly compromised: boolean;
  readonly compromiseDate: number | null;
  readonly compromiseOccurrenceDate: number | null;
  readonly revocation: { readonly code: number; readonly message: string | null } | null;
  /** The intents that nobody cancelled; destroyed while there is one. */
  readonly intents: readonly string[];
  readonly destroyDate: number | null;
  readonly purged: boolean;
  /** Creations under the same identifier that lost: kept, named, shown, never served. */
  readonly conflicts: readonly string[];
}

export interface FoldedClient {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  readonly fingerprint: string;
  readonly certificate: string;
  readonly state: 'allowed' | 'pending' | 'blocked';
  readonly added: number;
  /** What an allowing record has to name to lift the block. */
  readonly blocks: readonly string[];
}

/** SHA-256 of a folded state: equal on every node that folded the same records by this version. */
export function foldDigest(folded: FoldedObject | FoldedClient): Buffer {
  return hash('sha256', JSON.stringify(folded), 'buffer');
}

/** All distinct records in the one order. */
export function inOrder(records: Iterable<RecordHead>): RecordHead[] {
  const distinct = new Map<string, RecordHead>();
  for (const record of records) distinct.set(recordId(record), record);
  return [...distinct.values()].sort(compareRecords);
}

function payloads<K extends keyof Payloads>(
  records: readonly RecordHead[],
  kind: K,
): { readonly id: string; readonly time: number; readonly payload: Payloads[K] }[] {
  return records
    .filter((record) => record.kind === kind)
    .map((record) => ({
      id: recordId(record),
      time: record.time,
      payload: JSON.parse(record.payload) as Payloads[K],
    }));
}

/** Folds the records of one object; undefined while its creation is not among them. */
export function foldObject(records: Iterable<RecordHead>): FoldedObject | undefined {
  const ordered = inOrder(records);
  const [creation, ...others] = payloads(ordered, 'object-created');
  if (creation === undefined) return undefined;
  const { group, type, form, commitment } = creation.payload;
  const revocations = payloads(ordered, 'object-revoked');
  const compromises = revocations.filter(({ payload }) => isCompromise(payload.code));
  const worst = compromises[0] ?? revocations[0];
  const intents = liveIntents(ordered);
  const last = ordered.at(-1);
  return {
    identifier: last?.object ?? '',
    group,
    type,
    form,
    commitment,
    initialDate: creation.time,
    lastChangeDate: Math.max(creation.time, last?.time ?? 0),
    attributes: foldAttributes(ordered, creation),
    dates: foldDates(ordered),
    compromised: compromises.length > 0,
    compromiseDate: least(compromises.map(({ payload }) => payload.date)),
    compromiseOccurrenceDate: least(revocations.map(({ payload }) => payload.occurrence)),
    revocation:
      worst === undefined ? null : { code: worst.payload.code, message: worst.payload.message },
    intents: intents.map(({ id }) => id),
    destroyDate: least(intents.map(({ payload }) => payload.date)),
    purged: payloads(ordered, 'object-purged').length > 0,
    conflicts: others.map(({ id }) => id),
  };
}

function liveIntents(
  ordered: readonly RecordHead[],
): { readonly id: string; readonly payload: Payloads['destroy-intended'] }[] {
  const cancelled = new Set(
    payloads(ordered, 'destroy-cancelled').map(({ payload }) => payload.intent),
  );
  // What was purged is gone, whoever cancelled at the same time.
  const purged = new Set(payloads(ordered, 'object-purged').map(({ payload }) => payload.intent));
  return payloads(ordered, 'destroy-intended').filter(
    ({ id }) => purged.has(id) || !cancelled.has(id),
  );
}

function least(values: readonly (number | null)[]): number | null {
  const numbers = values.filter((value) => value !== null);
  return numbers.length === 0 ? null : Math.min(...numbers);
}

interface Instance {
  readonly name: string;
  readonly instance: string;
  readonly wanted: number;
  value: string;
}

function foldAttributes(
  ordered: readonly RecordHead[],
  creation: { readonly id: string; readonly payload: Payloads['object-created'] },
): FoldedAttribute[] {
  const instances = new Map<string, Instance>();
  for (const [i, [name, wanted, value]] of creation.payload.attributes.entries()) {
    const instance = `${creation.id}/${i}`;
    instances.set(instance, { name, instance, wanted, value });
  }
  for (const { id, payload } of payloads(ordered, 'attribute-set')) {
    if (payload.instance === null) {
      const { name, index, value } = payload;
      instances.set(id, { name, instance: id, wanted: index, value });
    }
  }
  for (const { payload } of payloads(ordered, 'attribute-set')) {
    const modified = payload.instance === null ? undefined : instances.get(payload.instance);
    if (modified !== undefined) modified.value = payload.value;
  }
  const deleted = new Set(
    payloads(ordered, 'attribute-deleted').map(({ payload }) => payload.instance),
  );
  return numbered([...instances.values()], deleted);
}

/** Gives each instance the index it asked for, or the next free one; deleted ones keep theirs. */
function numbered(instances: readonly Instance[], deleted: ReadonlySet<string>): FoldedAttribute[] {
  const taken = new Map<string, Set<number>>();
  const folded: FoldedAttribute[] = [];
  for (const { name, instance, wanted, value } of instances) {
    const used = taken.get(name) ?? new Set();
    taken.set(name, used);
    let index = wanted;
    while (used.has(index)) index++;
    used.add(index);
    if (!deleted.has(instance)) folded.push({ name, index, instance, value });
  }
  const single = new Set<string>();
  return folded
    .filter(({ name }) => {
      if (isCustom(name) || attributeRules[name]?.multiple !== false) return true;
      // Two nodes gave a single-valued attribute at once: the first in the order stands.
      if (single.has(name)) return false;
      single.add(name);
      return true;
    })
    .map((attribute) => (single.has(attribute.name) ? { ...attribute, index: 0 } : attribute))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.index - b.index));
}

/** The dates that a client or an event sets: apart from attributes, because states need them. */
export const dateNames = [
  'Activation Date',
  'Process Start Date',
  'Protect Stop Date',
  'Deactivation Date',
] as const;

function foldDates(ordered: readonly RecordHead[]): Record<string, FoldedDate> {
  const folded: Record<string, FoldedDate> = {};
  const settings = payloads(ordered, 'date-set');
  const replaced = new Set(settings.flatMap(({ payload }) => payload.replaces));
  for (const name of dateNames) {
    const heads = settings.filter(({ id, payload }) => payload.name === name && !replaced.has(id));
    const events = eventDates(ordered, name);
    const values = [...heads.map(({ payload }) => payload.value), ...events];
    // Of dates that nobody saw together the earliest holds: active stays active, an end is an end.
    const value = least(values);
    if (value !== null) folded[name] = { value, heads: heads.map(({ id }) => id) };
  }
  return folded;
}

function eventDates(ordered: readonly RecordHead[], name: string): number[] {
  if (name === 'Activation Date') {
    return payloads(ordered, 'object-activated').map(({ payload }) => payload.date);
  }
  if (name === 'Deactivation Date') {
    return payloads(ordered, 'object-revoked')
      .filter(({ payload }) => !isCompromise(payload.code))
      .map(({ payload }) => payload.date);
  }
  return [];
}

/** Folds the records of one client; undefined while its enrolment is not among them. */
export function foldClient(records: Iterable<RecordHead>): FoldedClient | undefined {
  const ordered = inOrder(records);
  const [enrolment] = payloads(ordered, 'client-enrolled');
  if (enrolment === undefined) return undefined;
  const allowances = payloads(ordered, 'client-allowed');
  const lifted = new Set(allowances.flatMap(({ payload }) => payload.replaces));
  const blocks = payloads(ordered, 'client-blocked')
    .map(({ id }) => id)
    .filter((id) => !lifted.has(id));
  const { name, group, fingerprint, certificate, state } = enrolment.payload;
  return {
    id: ordered[0]?.object ?? '',
    name,
    group: allowances.at(-1)?.payload.group ?? group,
    fingerprint,
    certificate,
    state: blocks.length > 0 ? 'blocked' : allowances.length > 0 ? 'allowed' : state,
    added: enrolment.time,
    blocks,
  };
}
