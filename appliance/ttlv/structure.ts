import type { Writer } from './encode.ts';
import { TtlvError } from './error.ts';
import type { Item, Value } from './item.ts';

/**
 * Structures declared once and read and written by the same declaration. A protocol version is a
 * number, major × 100 + minor; a field may say from which to which version it exists.
 */
export interface Codec<T> {
  /** Throws TtlvError `bad-type` when the item is of another type. */
  read(item: Item, version: number): T;
  write(writer: Writer, tag: number, value: T, version: number): void;
}

export type Decoded<C> = C extends Codec<infer T> ? T : never;

interface Bounds {
  readonly since?: number;
  /** The last version that has the field. */
  readonly until?: number;
  /** Another tag under which a field stands from a version on. */
  readonly renamed?: { readonly since: number; readonly tag: number };
  /**
   * From a version on, the values of a repeated field stand in one structure of this tag, each
   * under a tag that its codec chooses.
   */
  readonly gathered?: { readonly since: number; readonly tag: number };
}

interface Field<T, K extends 'required' | 'optional' | 'repeated'> extends Bounds {
  readonly kind: K;
  readonly tag: number;
  readonly codec: Codec<T>;
}

type AnyField = Field<never, 'required' | 'optional' | 'repeated'>;
type Fields = Readonly<Record<string, AnyField>>;

type OptionalName<F> = {
  [N in keyof F]: F[N] extends { kind: 'optional' } ? N : never;
}[keyof F];
type FieldValue<F> =
  F extends Field<infer T, infer K> ? (K extends 'repeated' ? readonly T[] : T) : never;
type StructureValue<F> = {
  readonly [N in Exclude<keyof F, OptionalName<F>>]: FieldValue<F[N]>;
} & { readonly [N in OptionalName<F>]?: FieldValue<F[N]> };

export function required<T>(
  tag: number,
  codec: Codec<T>,
  bounds: Bounds = {},
): Field<T, 'required'> {
  return { kind: 'required', tag, codec, ...bounds };
}

export function optional<T>(
  tag: number,
  codec: Codec<T>,
  bounds: Bounds = {},
): Field<T, 'optional'> {
  return { kind: 'optional', tag, codec, ...bounds };
}

export function repeated<T>(
  tag: number,
  codec: Codec<T>,
  bounds: Bounds = {},
): Field<T, 'repeated'> {
  return { kind: 'repeated', tag, codec, ...bounds };
}

/**
 * A structure of the given fields, written in the order of their declaration.
 * Reading throws TtlvError `unexpected-item` for an item that no field of this version claims,
 * `repeated-item` for one that may come once, `missing-item` for a required one that does not come.
 */
export function structure<const F extends Readonly<Record<string, unknown>>>(
  fields: F,
): Codec<StructureValue<F>> {
  const entries = Object.entries(fields as unknown as Fields);
  const tables = new Map<number, ReadonlyMap<number, Known>>();
  const tableOf = (version: number): ReadonlyMap<number, Known> => {
    const table = tables.get(version) ?? tableFor(entries, version);
    tables.set(version, table);
    return table;
  };
  return {
    read(item, version) {
      if (item.type !== 'Structure') throw new TtlvError('bad-type', item.tag);
      const value = Object.create(null) as Record<string, unknown>;
      for (const child of item.value) {
        const known = tableOf(version).get(child.tag);
        if (known === undefined) throw new TtlvError('unexpected-item', child.tag);
        take(value, known, child, version);
      }
      for (const [name, field] of entries) {
        if (name in value) continue;
        if (field.kind === 'repeated') value[name] = [];
        else if (field.kind === 'required' && exists(field, version)) {
          throw new TtlvError('missing-item', tagIn(field, version));
        }
      }
      return value as StructureValue<F>;
    },
    write(writer, tag, value, version) {
      writer.structure(tag, () => {
        for (const [name, field] of entries) {
          const content = (value as Record<string, unknown>)[name];
          if (content === undefined || !exists(field, version)) continue;
          const each = field.kind === 'repeated' ? (content as readonly unknown[]) : [content];
          const inside = tagIn(field, version);
          const all = (): void => {
            for (const one of each) field.codec.write(writer, inside, one as never, version);
          };
          if (isGathered(field, version)) writer.structure(inside, all);
          else all();
        }
      });
    },
  };
}

function exists(field: Bounds, version: number): boolean {
  return (field.since ?? 0) <= version && version <= (field.until ?? Infinity);
}

interface Known {
  readonly name: string;
  readonly field: AnyField;
}

/** The fields that a version has, by the tags that it has them under. */
function tableFor(
  entries: readonly (readonly [string, AnyField])[],
  version: number,
): ReadonlyMap<number, Known> {
  return new Map(
    entries
      .filter(([, field]) => exists(field, version))
      .map(([name, field]) => [tagIn(field, version), { name, field }]),
  );
}

function isGathered({ gathered }: Bounds, version: number): boolean {
  return gathered !== undefined && version >= gathered.since;
}

function tagIn({ tag, renamed, gathered }: AnyField, version: number): number {
  if (gathered !== undefined && version >= gathered.since) return gathered.tag;
  return renamed !== undefined && version >= renamed.since ? renamed.tag : tag;
}

function take(
  value: Record<string, unknown>,
  { name, field }: Known,
  child: Item,
  version: number,
): void {
  if (isGathered(field, version)) {
    if (name in value) throw new TtlvError('repeated-item', child.tag);
    const inside = typed(child, 'Structure');
    value[name] = inside.map((each) => field.codec.read(each, version));
    return;
  }
  const content = field.codec.read(child, version);
  if (field.kind === 'repeated') {
    ((value[name] ??= []) as unknown[]).push(content);
  } else if (name in value) {
    throw new TtlvError('repeated-item', child.tag);
  } else {
    value[name] = content;
  }
}

type Native<N extends Value['type']> = Extract<Value, { type: N }>['value'];

function typed<N extends Value['type']>(item: Item, type: N): Native<N> {
  if (item.type !== type) throw new TtlvError('bad-type', item.tag);
  return item.value as Native<N>;
}

function primitive<N extends Exclude<Value['type'], 'Structure'>>(type: N): Codec<Native<N>> {
  return {
    read: (item) => typed(item, type),
    write: (writer, tag, value) => {
      writer.item({ tag, type, value } as unknown as Item);
    },
  };
}

export const integer = primitive('Integer');
export const longInteger = primitive('LongInteger');
export const bigInteger = primitive('BigInteger');
export const boolean = primitive('Boolean');
export const textString = primitive('TextString');
export const byteString = primitive('ByteString');
export const interval = primitive('Interval');

/** Seconds since 1970 as a number; a date that a double cannot hold is refused as `bad-value`. */
export const dateTime: Codec<number> = {
  read(item) {
    const value = Number(typed(item, 'DateTime'));
    if (!Number.isSafeInteger(value)) throw new TtlvError('bad-value', item.tag);
    return value;
  },
  write(writer, tag, value) {
    writer.item({ tag, type: 'DateTime', value: BigInt(value) });
  },
};

/** A value of the table, or of the vendors' range 8XXXXXXX; any other is refused as `bad-value`. */
export function enumeration<E extends Readonly<Record<string, number>>>(
  table: E,
): Codec<E[keyof E]> {
  const known = new Set(Object.values(table));
  return {
    read(item) {
      const value = typed(item, 'Enumeration');
      if (!known.has(value) && value < 0x80000000) throw new TtlvError('bad-value', item.tag);
      return value as E[keyof E];
    },
    write(writer, tag, value) {
      writer.item({ tag, type: 'Enumeration', value });
    },
  };
}

/** The item as it stands, under whatever type. */
export const anyItem: Codec<Item> = {
  read: (item) => item,
  write(writer, tag, value) {
    writer.item({ ...value, tag });
  },
};

/** The items of a structure that is not looked into. */
export const anyStructure: Codec<readonly Item[]> = {
  read: (item) => typed(item, 'Structure'),
  write(writer, tag, value) {
    writer.item({ tag, type: 'Structure', value });
  },
};
