import { hash } from 'node:crypto';
import { isCompromise } from '../kmip/state.ts';
import { Facts, least } from './fact.ts';
import type { Conflict, Fact } from './fact.ts';
import { foldAttributes } from './fold-attribute.ts';
import type { FoldedAttribute } from './fold-attribute.ts';
import type { Kind } from './payload.ts';
import type { RecordHead } from './record.ts';

export { inOrder } from './fact.ts';

/**
 * The state of one object, client or group as a pure function of the records that speak of it.
 * Whatever order they came in, and however often, they are put into one order first; then each rule
 * below is a union, a minimum, or "named by a later record", so nodes that hold the same records
 * hold the same state (DESIGN, "Records, not rows").
 */
export const foldVersion = 4;

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
  /** Who agreed to purge it, each with the members it had in mind: sorted, without repetition. */
  readonly words: readonly Word[];
}

/** A member's word that an intent may be carried out. */
export interface Word {
  readonly node: string;
  /** All members that have to say the same, sorted. */
  readonly members: readonly string[];
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
  /** Every member agreed to the end of one intent: from then on it is none of theirs to undo. */
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
  readonly state: 'allowed' | 'pending' | 'blocked' | 'authority';
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
  const { intents, purged, lost } = foldIntents(facts);
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
    conflicts: [
      ...others.map(({ id }) => ({ about: 'creation', record: id })),
      ...lost,
      ...conflicts,
    ],
  };
}

/**
 * An intent lasts until a record names it and cancels it. It is carried out when every node that
 * the agreeing nodes name as members has agreed, with the same members in mind, and nobody cancels
 * it whom they had not in mind: no node's word alone can purge what another one has, be it that a
 * backup made a node of its own that takes itself for the only one. Of the members that agreed
 * nobody cancels (`isBound`); a cancellation that is there all the same is shown.
 */
function foldIntents(facts: Facts): {
  intents: FoldedIntent[];
  purged: boolean;
  lost: Conflict[];
} {
  const agreements = facts.of('purge-agreed');
  const cancellations = facts.of('destroy-cancelled');
  const intents: FoldedIntent[] = [];
  const lost: Conflict[] = [];
  let purged = false;
  for (const { id, payload } of facts.of('destroy-intended')) {
    const cancelling = cancellations.filter((each) => each.payload.intent === id);
    const agreeing = agreements.filter((agreement) => agreement.payload.intent === id);
    const words = wordsIn(agreeing);
    const unanimous = words.filter(({ members }) => isUnanimous(members, words));
    const complete = unanimous.some(({ members }) =>
      cancelling.every(({ node }) => members.includes(node)),
    );
    purged ||= complete;
    if (!complete && cancelling.length > 0) {
      if (unanimous.length > 0) lost.push(...saying('undestroy', agreeing));
      continue;
    }
    lost.push(...saying('purge', cancelling));
    intents.push({ record: id, date: payload.date, retention: payload.retention, words });
  }
  return { intents, purged, lost };
}

function saying(about: string, facts: readonly Fact<Kind>[]): Conflict[] {
  return facts.map(({ id }) => ({ about, record: id }));
}

function wordsIn(agreements: readonly Fact<'purge-agreed'>[]): Word[] {
  const words = new Map<string, Word>();
  for (const { node, payload } of agreements) {
    if (!payload.members.includes(node)) continue;
    words.set([node, ...payload.members].join(), { node, members: payload.members });
  }
  return [...words].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, word]) => word);
}

function isUnanimous(members: readonly string[], words: readonly Word[]): boolean {
  return members.every((member) => hasAgreed(member, members, words));
}

/** Whether a node has said its word with these members in mind. */
export function hasAgreed(
  node: string,
  members: readonly string[],
  words: readonly Word[],
): boolean {
  const wanted = members.join();
  return words.some((word) => word.node === node && word.members.join() === wanted);
}

/**
 * Whether the others could carry an intent out without another word of this node. Then it may not
 * cancel any more: the word that ends the key may be on its way here.
 */
export function isBound(node: string, { words }: FoldedIntent): boolean {
  return words.some(({ members }) => !members.includes(node) || hasAgreed(node, members, words));
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
    // Nobody comes in as an authority, whoever allows it again.
    state:
      blocks.length > 0
        ? 'blocked'
        : allowances.length > 0 && state !== 'authority'
          ? 'allowed'
          : state,
    added: enrolment.time,
    heads: [...blocks, ...newest].map(({ id }) => id),
    conflicts: [
      ...others.map(({ id }) => ({ about: 'enrolment', record: id })),
      ...elsewhere.map(({ id }) => ({ about: 'group', record: id })),
    ],
  };
}
