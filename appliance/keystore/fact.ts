import type { Kind, Payloads } from './payload.ts';
import { compareRecords, recordId } from './record.ts';
import type { RecordHead } from './record.ts';

/** A record with its payload read. */
export interface Fact<K extends Kind> {
  readonly id: string;
  readonly node: string;
  readonly time: number;
  readonly payload: Payloads[K];
}

/** Something that two nodes said at once and that cannot both hold: kept, named and shown. */
export interface Conflict {
  /** The attribute's name, or what else was said twice. */
  readonly about: string;
  /** The record that does not hold. */
  readonly record: string;
}

/** All distinct records in the one order. */
export function inOrder(records: Iterable<RecordHead>): RecordHead[] {
  const distinct = new Map<string, RecordHead>();
  for (const record of records) distinct.set(recordId(record), record);
  return [...distinct.values()].sort(compareRecords);
}

/** The distinct records of one subject by kind, each kind in the one order. */
export class Facts {
  readonly #byKind = new Map<string, Fact<Kind>[]>();
  /** All of them, in the one order. */
  readonly ordered: readonly RecordHead[];

  constructor(records: Iterable<RecordHead>) {
    this.ordered = inOrder(records);
    for (const record of this.ordered) {
      const fact = {
        id: recordId(record),
        node: record.node,
        time: record.time,
        payload: JSON.parse(record.payload) as Payloads[Kind],
      };
      const found = this.#byKind.get(record.kind);
      if (found === undefined) this.#byKind.set(record.kind, [fact]);
      else found.push(fact);
    }
  }

  of<K extends Kind>(kind: K): readonly Fact<K>[] {
    return (this.#byKind.get(kind) ?? []) as Fact<K>[];
  }
}

export function least(values: readonly (number | null)[]): number | null {
  const numbers = values.filter((value) => value !== null);
  return numbers.length === 0 ? null : Math.min(...numbers);
}
