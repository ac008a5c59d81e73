import { attributeRules } from '../kmip/attribute-rule.ts';
import { isCustom } from '../kmip/attribute.ts';
import type { Conflict, Fact, Facts } from './fact.ts';
import { decodeValue } from './payload.ts';

export interface FoldedAttribute {
  readonly name: string;
  readonly index: number;
  /** The record that added it: what a modification or deletion names. */
  readonly instance: string;
  /** TTLV bytes in hexadecimal. */
  readonly value: string;
  /** The statements of its value that a newer one has to replace; of more than one, one holds. */
  readonly heads: readonly string[];
}

interface Statement {
  readonly id: string;
  readonly value: string;
}

interface Instance {
  readonly name: string;
  readonly instance: string;
  readonly wanted: number;
  readonly statements: Statement[];
}

/**
 * Instances are a set: each stands under the record that added it. A modification or deletion
 * replaces the statements that it saw and no others, so that what somebody said at the same time
 * stays; where two values stay, the rule of the attribute says which one holds, and the other is a
 * conflict until a person sets the attribute again.
 */
export function foldAttributes(
  facts: Facts,
  creation: Fact<'object-created'>,
): { readonly attributes: FoldedAttribute[]; readonly conflicts: Conflict[] } {
  const replaced = new Set<string>();
  for (const { payload } of facts.of('attribute-set')) {
    for (const id of payload.replaces) replaced.add(id);
  }
  for (const { payload } of facts.of('attribute-deleted')) {
    for (const id of payload.replaces) replaced.add(id);
  }
  const conflicts: Conflict[] = [];
  const folded: FoldedAttribute[] = [];
  for (const [index, instance] of numbered([...instancesOf(facts, creation).values()])) {
    const live = instance.statements.filter(({ id }) => !replaced.has(id));
    const holding = holds(instance.name, live);
    if (holding === undefined) continue;
    const { name } = instance;
    for (const { id, value } of live) {
      if (value !== holding.value) conflicts.push({ about: name, record: id });
    }
    const heads = live.map(({ id }) => id);
    folded.push({ name, index, instance: instance.instance, value: holding.value, heads });
  }
  return { attributes: single(folded, conflicts), conflicts };
}

function instancesOf(facts: Facts, creation: Fact<'object-created'>): Map<string, Instance> {
  const instances = new Map<string, Instance>();
  for (const [i, [name, wanted, value]] of creation.payload.attributes.entries()) {
    const instance = `${creation.id}/${i}`;
    instances.set(instance, { name, instance, wanted, statements: [{ id: instance, value }] });
  }
  for (const { id, payload } of facts.of('attribute-set')) {
    if (payload.instance !== null) continue;
    const { name, index, value } = payload;
    instances.set(id, { name, instance: id, wanted: index, statements: [{ id, value }] });
  }
  for (const { id, payload } of facts.of('attribute-set')) {
    if (payload.instance === null) continue;
    instances.get(payload.instance)?.statements.push({ id, value: payload.value });
  }
  return instances;
}

/** Gives each instance the index it asked for, or the next free one; deleted ones keep theirs. */
function numbered(instances: readonly Instance[]): [number, Instance][] {
  const taken = new Map<string, Set<number>>();
  return instances.map((instance) => {
    const used = taken.get(instance.name) ?? new Set();
    taken.set(instance.name, used);
    let index = instance.wanted;
    while (used.has(index)) index++;
    used.add(index);
    return [index, instance];
  });
}

/** Which of two values is the more restrictive one, where an attribute restricts. */
const restriction: Readonly<Record<string, (value: bigint | boolean | number) => number>> = {
  Sensitive: (value) => Number(value === true),
  Extractable: (value) => Number(value === false),
  'Cryptographic Usage Mask': (value) => -bits(Number(value)),
};

function bits(mask: number): number {
  let count = 0;
  for (let rest = mask >>> 0; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Of values set at once the most restrictive, else the last in the order. */
function holds(name: string, live: readonly Statement[]): Statement | undefined {
  const rank = restriction[name];
  if (live.length < 2 || rank === undefined) return live.at(-1);
  const ranked = live.map((statement): [number, Statement] => {
    const { value } = decodeValue(Buffer.from(statement.value, 'hex'));
    return [typeof value === 'object' || typeof value === 'string' ? 0 : rank(value), statement];
  });
  const most = Math.max(...ranked.map(([each]) => each));
  return ranked.findLast(([each]) => each === most)?.[1];
}

/** Two nodes may give a single-valued attribute at once: the first in the order stands. */
function single(folded: readonly FoldedAttribute[], conflicts: Conflict[]): FoldedAttribute[] {
  const seen = new Map<string, FoldedAttribute>();
  const kept: FoldedAttribute[] = [];
  for (const attribute of folded) {
    const { name } = attribute;
    if (isCustom(name) || attributeRules[name]?.multiple !== false) {
      kept.push(attribute);
    } else if (seen.has(name)) {
      conflicts.push(...attribute.heads.map((record) => ({ about: name, record })));
    } else {
      seen.set(name, attribute);
      kept.push({ ...attribute, index: 0 });
    }
  }
  return kept.sort((a, b) => compareText(a.name, b.name) || a.index - b.index);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
