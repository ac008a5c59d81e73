import { hash } from 'node:crypto';
import { isCompromise } from '../kmip/state.ts';
import { Facts, least } from './fact.ts';
import type { Conflict, Fact } from './fact.ts';
import { foldAttributes } from './fold-attribute.ts';
import type { FoldedAttribute } from './fold-attribute.ts';
import type { RecordHead } from './record.ts';

export { inOrder } from './fact.ts';

/**
 * The state of one object, client or group as a pure function of the records that speak of it.
 * Whatever order they came in, and however often, they are put into one order first; then each rule
 * below is a union, a minimum, or "named by a later record", so nodes that hold the same records
 * hold the same state (DESIGN, "Records, not rows").
 */
export const foldVersion = 2;

export interface FoldedDate {
  readonly value: number;
  /** The records that a newer setting has to replace. */
  readonly heads: readonly string[];
}

export interface FoldedIntent {
  readonly record: string;
  readonly date: number;
  /** How long the material is kept from then on, in seconds. */
  readonly retention: number;
  /** The nodes that agreed to purge it. */
  readonly agreed: readonly string[];
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
  /** An Activate, a Revoke: they hold at once, whatever the clock said that dated them. */
  readonly activated: boolean;
  readonly deactivated: boolean;
  readonly compromised: boolean;
  readonly compromiseDate: number | null;
  readonly compromiseOccurrenceDate: number | null;
  readonly revocation: { readonly code: number; readonly message: string | null } | null;
  /** The intents that nobody cancelled; destroyed while there is one. */
  readonly intents: readonly FoldedIntent[];
  readonly destroyDate: number | null;
  /** Every member agreed to the end of one intent: from then on it is nobody's to undo. */
  readonly purged: boolean;
  /** What lost: creations under the same identifier, values set at once. */
  readonly conflicts: readonly Conflict[];
}

export interface FoldedClient {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  readonly fingerprint: string;
  readonly certificate: string;
  readonly state: 'allowed' | 'pending' | 'blocked';
  readonly added: number;
  /** What an allowing record has to name: the blocks it lifts, the allowances it replaces. */
  readonly heads: readonly string[];
  readonly conflicts: readonly Conflict[];
}

/** SHA-256 of a folded state: equal on every node that folded the same records by this version. */
export function foldDigest(folded: FoldedObject | FoldedClient): Buffer {
  return hash('sha256', JSON.stringify(folded), 'buffer');
}

/** Folds the records of one object; undefined while its creation is not among them. */
export function foldObject(records: Iterable<RecordHead>): FoldedObject | undefined {
  const facts = new Facts(records);
  const [creation, ...others] = facts.of('object-created');
  if (creation === undefined) return undefined;
  const { group, type, form, commitment } = creation.payload;
  const revocations = facts.of('object-revoked');
  const compromises = revocations.filter(({ payload }) => isCompromise(payload.code));
  const worst = compromises[0] ?? revocations[0];
  const { intents, purged } = foldIntents(facts);
  const last = facts.ordered.at(-1);
  const { attributes, conflicts } = foldAttributes(facts, creation);
  return {
    identifier: last?.object ?? '',
    group,
    type,
    form,
    commitment,
    initialDate: creation.time,
    lastChangeDate: Math.max(creation.time, last?.time ?? 0),
    attributes,
    dates: foldDates(facts),
    activated: facts.of('object-activated').length > 0,
    deactivated: revocations.length > compromises.length,
    compromised: compromises.length > 0,
    compromiseDate: least(compromises.map(({ payload }) => payload.date)),
    compromiseOccurrenceDate: least(revocations.map(({ payload }) => payload.occurrence)),
    revocation:
      worst === undefined ? null : { code: worst.payload.code, message: worst.payload.message },
    intents,
    destroyDate: least(intents.map(({ date }) => date)),
    purged,
    conflicts: [...others.map(({ id }) => ({ about: 'creation', record: id })), ...conflicts],
  };
}

/**
 * An intent lasts until a record names it and cancels it. It is carried out when every node that
 * the agreeing nodes name as members has agreed, with the same members in mind: no node's word
 * alone can purge, and what is purged is gone, whoever cancels later.
 */
function foldIntents(facts: Facts): { intents: FoldedIntent[]; purged: boolean } {
  const agreements = facts.of('purge-agreed');
  const cancelled = new Set(facts.of('destroy-cancelled').map(({ payload }) => payload.intent));
  const intents: FoldedIntent[] = [];
  let purged = false;
  for (const { id, payload } of facts.of('destroy-intended')) {
    const agreeing = agreements.filter((agreement) => agreement.payload.intent === id);
    const complete = agreeing.some((one) => isComplete(one, agreeing));
    purged ||= complete;
    if (!complete && cancelled.has(id)) continue;
    const agreed = [...new Set(agreeing.map(({ node }) => node))].sort();
    intents.push({ record: id, date: payload.date, retention: payload.retention, agreed });
  }
  return { intents, purged };
}

function isComplete(
  { node, payload }: Fact<'purge-agreed'>,
  agreeing: readonly Fact<'purge-agreed'>[],
): boolean {
  const members = payload.members.join();
  const same = agreeing.filter((other) => other.payload.members.join() === members);
  const nodes = new Set(same.map((other) => other.node));
  return payload.members.includes(node) && payload.members.every((member) => nodes.has(member));
}

/** The dates that a client or an event sets: apart from attributes, because states need them. */
export const dateNames = [
  'Activation Date',
  'Process Start Date',
  'Protect Stop Date',
  'Deactivation Date',
] as const;

function foldDates(facts: Facts): Record<string, FoldedDate> {
  const folded: Record<string, FoldedDate> = {};
  const settings = facts.of('date-set');
  const replaced = new Set(settings.flatMap(({ payload }) => payload.replaces));
  for (const name of dateNames) {
    const heads = settings.filter(({ id, payload }) => payload.name === name && !replaced.has(id));
    const values = [...heads.map(({ payload }) => payload.value), ...eventDates(facts, name)];
    // Of dates that nobody saw together the earliest holds: active stays active, an end is an end.
    const value = least(values);
    if (value !== null) folded[name] = { value, heads: heads.map(({ id }) => id) };
  }
  return folded;
}

function eventDates(facts: Facts, name: string): number[] {
  if (name === 'Activation Date') {
    return facts.of('object-activated').map(({ payload }) => payload.date);
  }
  if (name === 'Deactivation Date') {
    return facts
      .of('object-revoked')
      .filter(({ payload }) => !isCompromise(payload.code))
      .map(({ payload }) => payload.date);
  }
  return [];
}

/** Folds the records of one client; undefined while its enrolment is not among them. */
export function foldClient(records: Iterable<RecordHead>): FoldedClient | undefined {
  const facts = new Facts(records);
  const [enrolment, ...others] = facts.of('client-enrolled');
  if (enrolment === undefined) return undefined;
  const allowances = facts.of('client-allowed');
  const replaced = new Set(allowances.flatMap(({ payload }) => payload.replaces));
  const blocks = facts.of('client-blocked').filter(({ id }) => !replaced.has(id));
  const newest = allowances.filter(({ id }) => !replaced.has(id));
  const { name, group, fingerprint, certificate, state } = enrolment.payload;
  const into = (newest.at(-1) ?? allowances.at(-1))?.payload.group ?? group;
  const elsewhere = newest.filter(({ payload }) => payload.group !== into);
  return {
    id: facts.ordered[0]?.object ?? '',
    name,
    group: into,
    fingerprint,
    certificate,
    state: blocks.length > 0 ? 'blocked' : allowances.length > 0 ? 'allowed' : state,
    added: enrolment.time,
    heads: [...blocks, ...newest].map(({ id }) => id),
    conflicts: [
      ...others.map(({ id }) => ({ about: 'enrolment', record: id })),
      ...elsewhere.map(({ id }) => ({ about: 'group', record: id })),
    ],
  };
}
