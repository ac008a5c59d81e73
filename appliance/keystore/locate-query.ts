import { State } from '../kmip/enumeration.ts';
import { StorageStatusMask } from '../kmip/mask.ts';
import type { Value } from '../ttlv/item.ts';
import type { Database } from './database.ts';
import type { LocateFilter } from './locate.ts';
import { encodeValue } from './payload.ts';

type Binding = string | number | Buffer;

/** The states as conditions on dates, for a state is computed when it is read (KMIP 1.4 §3.22). */
const stateCondition: Readonly<Record<State, string>> = {
  [State.PreActive]: `destroyed = 0 AND compromised = 0 AND activated = 0 AND deactivated = 0
    AND coalesce(activation_date, 1e18) > :now AND coalesce(deactivation_date, 1e18) > :now`,
  [State.Active]: `destroyed = 0 AND compromised = 0
    AND (activated = 1 OR activation_date <= :now)
    AND deactivated = 0 AND coalesce(deactivation_date, 1e18) > :now`,
  [State.Deactivated]: `destroyed = 0 AND compromised = 0
    AND (deactivated = 1 OR deactivation_date <= :now)`,
  [State.Compromised]: 'destroyed = 0 AND compromised = 1',
  [State.Destroyed]: 'destroyed = 1 AND compromised = 0',
  [State.DestroyedCompromised]: 'destroyed = 1 AND compromised = 1',
};

const dateColumns: Readonly<Record<string, string>> = {
  'Initial Date': 'initial_date',
  'Last Change Date': 'last_change_date',
  'Activation Date': 'activation_date',
  'Deactivation Date': 'deactivation_date',
  'Compromise Date': 'compromise_date',
  'Compromise Occurrence Date': 'compromise_occurrence_date',
  'Destroy Date': 'destroy_date',
};

const online = StorageStatusMask.OnLineStorage;
const archival = StorageStatusMask.ArchivalStorage;
const gone = StorageStatusMask.DestroyedStorage;
const archived = `EXISTS (SELECT 1 FROM attribute WHERE name = 'Archive Date'
  AND object = identifier)`;

/** Dates after 1970 stand in the order of their bytes. */
const moment = (seconds: number): Value => ({
  ...{ type: 'DateTime', value: BigInt(Math.max(0, seconds)) },
});

/**
 * The SQL of a Locate with its bindings. An attribute's value narrows by index before the group is
 * looked at, so that a Locate by name costs the same among a million keys as among ten.
 * Destroyed objects answer only to a filter that names their state.
 */
export function locateQuery(
  group: string,
  filter: LocateFilter,
  now: number,
): { readonly sql: string; readonly bindings: readonly Binding[] } {
  const conditions: string[] = [];
  const bindings: Binding[] = [];
  const where = (condition: string, ...values: Binding[]): void => {
    conditions.push(condition);
    bindings.push(...values);
  };
  for (const { name, value } of filter.attributes) {
    const matching = 'SELECT object FROM attribute WHERE name = ? AND value = ?';
    where(`identifier IN (${matching})`, name, encodeValue(value));
  }
  where('key_group = ?', group);
  for (const { name, value } of filter.standing ?? []) {
    const differing = 'SELECT object FROM attribute WHERE name = ? AND value <> ?';
    where(`identifier NOT IN (${differing})`, name, encodeValue(value));
  }
  if (filter.uniqueIdentifier !== undefined) where('identifier = ?', filter.uniqueIdentifier);
  if (filter.objectType !== undefined) where('type = ?', filter.objectType);
  if (filter.usageMask !== undefined) {
    where('usage_mask & ? = ?', filter.usageMask, filter.usageMask);
  }
  const storage = filter.storage ?? online;
  const places = [
    ...((storage & online) === 0 ? [] : [`(destroyed = 0 AND NOT ${archived})`]),
    ...((storage & archival) === 0 ? [] : [`(destroyed = 0 AND ${archived})`]),
    ...((storage & gone) === 0 ? [] : ['destroyed = 1']),
  ];
  // A filter that names a state names the place too: the destroyed are found by it.
  if (filter.state === undefined || filter.storage !== undefined) {
    where(places.length === 0 ? '0' : `(${places.join(' OR ')})`);
  }
  if (filter.state !== undefined)
    where(stateCondition[filter.state].replaceAll(':now', String(now)));
  for (const { name, from, to } of filter.dates) {
    const column = dateColumns[name];
    if (column === undefined) {
      const within = 'SELECT object FROM attribute WHERE name = ? AND value BETWEEN ? AND ?';
      where(`identifier IN (${within})`, name, encodeValue(moment(from)), encodeValue(moment(to)));
    } else where(`${column} BETWEEN ? AND ?`, from, to);
  }
  // One Name may be borne by two objects that were made apart: every node gives them in one order.
  const named = filter.attributes.some(({ name }) => name === 'Name');
  const order = named ? 'initial_date, identifier' : 'id';
  const sql = `SELECT identifier FROM object WHERE ${conditions.join(' AND ')}
    ORDER BY ${order} LIMIT ? OFFSET ?`;
  return { sql, bindings: [...bindings, filter.maximum, filter.offset] };
}

/** The identifiers that match, oldest first. */
export function locate(
  database: Database,
  group: string,
  filter: LocateFilter,
  now: number,
): string[] {
  const { sql, bindings } = locateQuery(group, filter, now);
  return database
    .prepare(sql)
    .pluck()
    .all(...bindings) as string[];
}
