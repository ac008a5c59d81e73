import { CryptographicUsageMask } from '../kmip/mask.ts';
import { foldDigest } from './fold.ts';
import type { FoldedClient, FoldedObject } from './fold.ts';
import { decodeValue, encodeValue } from './payload.ts';

/** What a column of the projection holds. */
export type Cell = string | number | Buffer | null;

const allUsages = Object.values(CryptographicUsageMask).reduce((sum, bit) => sum | bit, 0);

/** The row of a folded object, by column. */
export function objectRow(object: FoldedObject): Readonly<Record<string, Cell>> {
  const integer = (name: string): number => {
    const found = object.attributes.find((attribute) => attribute.name === name);
    const value = found && decodeValue(Buffer.from(found.value, 'hex')).value;
    return typeof value === 'number' ? value : 0;
  };
  const { revocation, commitment, purged } = object;
  return {
    identifier: object.identifier,
    key_group: object.group,
    type: object.type,
    algorithm: integer('Cryptographic Algorithm'),
    length: integer('Cryptographic Length'),
    usage_mask: integer('Cryptographic Usage Mask') & allUsages,
    initial_date: object.initialDate,
    last_change_date: object.lastChangeDate,
    activation_date: object.dates['Activation Date']?.value ?? null,
    deactivation_date: object.dates['Deactivation Date']?.value ?? null,
    compromise_date: object.compromiseDate,
    compromise_occurrence_date: object.compromiseOccurrenceDate,
    destroy_date: object.destroyDate,
    compromised: Number(object.compromised),
    destroyed: Number(object.intents.length > 0 || purged),
    revocation: revocation === null ? null : revocationText(revocation),
    commitment: commitment === null || purged ? null : Buffer.from(commitment, 'hex'),
    form: Buffer.from(object.form, 'hex'),
    digest: foldDigest(object),
    conflicts: textOf(object.conflicts),
    activated: Number(object.activated),
    deactivated: Number(object.deactivated),
    purged: Number(purged),
    intents: textOf(object.intents),
  };
}

function revocationText({ code, message }: NonNullable<FoldedObject['revocation']>): string {
  return JSON.stringify(message === null ? { code } : { code, message });
}

function textOf(values: readonly unknown[]): string | null {
  return values.length === 0 ? null : JSON.stringify(values);
}

export type AttributeCells = readonly [
  name: string,
  ordinal: number,
  instance: string,
  value: Buffer,
];

/** The rows of a folded object's attributes, without the object. */
export function attributeRows({ attributes, dates }: FoldedObject): AttributeCells[] {
  const own = attributes.map(({ name, index, instance, value }): AttributeCells => {
    return [name, index, instance, Buffer.from(value, 'hex')];
  });
  const others = Object.entries(dates)
    .filter(([name]) => name !== 'Activation Date' && name !== 'Deactivation Date')
    .map(([name, date]): AttributeCells => {
      const value = encodeValue({ type: 'DateTime', value: BigInt(date.value) });
      return [name, 0, '', value];
    });
  return [...own, ...others];
}

export function clientRow(client: FoldedClient): Readonly<Record<string, Cell>> {
  const { id, name, group, fingerprint, state, certificate, added } = client;
  const digest = foldDigest(client);
  return { id, name, key_group: group, fingerprint, state, certificate, added, digest };
}

/** Whether a row that was read holds these cells. */
export function holdsCells(
  row: Readonly<Record<string, unknown>> | undefined,
  cells: Readonly<Record<string, Cell>>,
): boolean {
  if (row === undefined) return false;
  return Object.entries(cells).every(([column, cell]) => isCell(row[column], cell));
}

/** Whether rows of attributes that were read are these, in any order. */
export function holdsAttributes(
  rows: readonly Readonly<Record<string, unknown>>[],
  expected: readonly AttributeCells[],
): boolean {
  if (rows.length !== expected.length) return false;
  const found = new Map(
    rows.map((row) => [`${String(row['ordinal'])} ${String(row['name'])}`, row]),
  );
  return expected.every(([name, ordinal, instance, value]) =>
    holdsCells(found.get(`${ordinal} ${name}`), { instance, value }),
  );
}

function isCell(found: unknown, cell: Cell): boolean {
  return Buffer.isBuffer(cell) ? Buffer.isBuffer(found) && cell.equals(found) : found === cell;
}
