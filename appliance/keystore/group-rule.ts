import { decode } from '../ttlv/decode.ts';
import type { Item } from '../ttlv/item.ts';
import { Facts } from './fact.ts';
import type { RecordHead } from './record.ts';

/** What clients set for all that is made in their key group (KMIP 2.1 §6.1.52, §6.1.53). */
export type GroupRuleName = 'defaults' | 'constraints';

export interface GroupRule {
  /** TTLV bytes in hexadecimal, in the one order; a removal has none. */
  readonly values: readonly string[];
  /** The records that a newer setting has to replace. */
  readonly heads: readonly string[];
}

/** What the records of a group's rules speak of. */
export const ruleKey = (group: string): string => `${group}#rules`;

/**
 * The settings of a rule that no later one replaced. Of those that nobody saw together all
 * constraints hold, because they restrict, and of defaults the last.
 */
export function foldGroupRule(records: Iterable<RecordHead>, rule: GroupRuleName): GroupRule {
  const settings = new Facts(records)
    .of('group-rule-set')
    .filter(({ payload }) => payload.rule === rule);
  const replaced = new Set(settings.flatMap(({ payload }) => payload.replaces));
  const live = settings.filter(({ id }) => !replaced.has(id));
  const values = live.flatMap(({ payload }) => payload.value ?? []);
  return {
    values: rule === 'defaults' ? values.slice(-1) : values,
    heads: live.map(({ id }) => id),
  };
}

/** The settings of a rule that hold in a key group, as structures of KMIP 2.1. */
export function groupRules(
  projection: { records: (object: string) => readonly RecordHead[] },
  group: string,
  rule: GroupRuleName,
): Item[] {
  const { values } = foldGroupRule(projection.records(ruleKey(group)), rule);
  return values.map((value) => decode(Buffer.from(value, 'hex')));
}
