import { decode } from '../ttlv/decode.ts';
import type { Item } from '../ttlv/item.ts';
import { Tag } from '../kmip/tag.ts';
import type { Client } from './client.ts';
import { Facts } from './fact.ts';
import type { RecordHead } from './record.ts';

/**
 * What is set for all that is made in a key group (KMIP 2.1 §6.1.52, §6.1.53), and which of its
 * clients may set it, which an administrator says.
 */
export type GroupRuleName = 'defaults' | 'constraints' | 'configurers';

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

/** The clients of a key group, by id, as the rule that lets them set its rules. */
export function configurersRule(clients: readonly string[]): Item {
  const value = clients.map((each) => ({
    ...{ tag: Tag.UniqueIdentifier, type: 'TextString', value: each },
  })) as Item[];
  return { tag: Tag.Objects, type: 'Structure', value };
}

/**
 * The clients that an administrator lets set a group's rules. Of settings that nobody saw together
 * each has to name a client: nobody gets in by an accident of order.
 */
export function configurersIn(settings: readonly Item[]): readonly string[] {
  const [first = [], ...others] = settings.map((each) =>
    each.type === 'Structure'
      ? each.value.flatMap(({ value }) => (typeof value === 'string' ? [value] : []))
      : [],
  );
  return first.filter((id) => others.every((each) => each.includes(id)));
}

/** Whether an administrator let this client set its group's rules; by itself none may. */
export function isConfigurer(
  { rules }: { rules: (group: string, rule: GroupRuleName) => readonly Item[] },
  { id, group }: Client,
): boolean {
  return configurersIn(rules(group, 'configurers')).includes(id);
}
