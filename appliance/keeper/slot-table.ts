import { createHmac, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../disk/durable-file.ts';
import { canonicalPair } from './peer.ts';
import type { PairPart } from './peer.ts';
import { canonicalRecovery } from './recovery-part.ts';
import type { RecoveryPart } from './recovery-part.ts';
import { placeOf } from './slot.ts';
import type { Slot } from './slot.ts';

/** All slots of a node, and which generation is written under. Lies outside the database. */
export interface SlotTable extends PairPart, RecoveryPart {
  readonly version: 2;
  /** Grows by one with each writing: of two good copies the higher one counts. */
  readonly serial: number;
  /** 16 bytes in hexadecimal, as is `written`. */
  readonly cluster: string;
  readonly written: string;
  /** 32 bytes that all nodes share for the cluster's life, sealed under `written`; base64. */
  readonly secret: string;
  readonly slots: readonly Slot[];
  /** Root keys that no slot needs any more and that are still to be destroyed in their tokens. */
  readonly retired?: readonly RetiredRoot[];
  /** Seconds since 1970 when a root key (by its id) or a generation was first here. */
  readonly born?: Readonly<Record<string, number>>;
}

/** A root key that was rotated away. */
export interface RetiredRoot {
  /** CKA_ID in hexadecimal. */
  readonly keyId: string;
  /** SubjectPublicKeyInfo, DER, base64. */
  readonly publicKey: string;
  /** The token's name in the configuration; any of them where it is not known. */
  readonly token?: string;
  /** What that token said it was; see `Slot`. */
  readonly device?: string;
}

/** A slot table as it lies in a file, or in a backup. */
export interface StoredTable {
  readonly table: SlotTable;
  /** HMAC-SHA-256 of the table under a key derived from the written generation. */
  readonly mac: string;
}

const copies = ['slots.a', 'slots.b'] as const;

/** A slot table that cannot be trusted or read. */
export class SlotTableError extends Error {
  override readonly name = 'SlotTableError';
}

/** Whether the folder holds a slot table, be it readable or not. */
export function readStored(folder: string): { found: boolean; candidates: StoredTable[] } {
  let found = false;
  const candidates: StoredTable[] = [];
  for (const name of copies) {
    try {
      const text = readFileSync(join(folder, name), 'utf8');
      found = true;
      const stored = parseStored(text);
      if (stored !== undefined) candidates.push(stored);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') found = true;
    }
  }
  candidates.sort((a, b) => b.table.serial - a.table.serial);
  return { found, candidates };
}

/** A stored table in its text; undefined for what is none. Throws SyntaxError. */
export function parseStored(text: string): StoredTable | undefined {
  const stored = JSON.parse(text) as Partial<StoredTable> | null;
  return typeof stored?.mac === 'string' && isTable(stored.table)
    ? (stored as StoredTable)
    : undefined;
}

/** The table with the age of each key that its slots name; what it knew before stays. */
export function withAges(table: SlotTable): SlotTable {
  const born: Record<string, number> = {};
  for (const { kind, keyId, generation, created } of table.slots) {
    if (kind !== 'token') continue;
    for (const id of [keyId, generation]) {
      born[id] = table.born?.[id] ?? Math.min(born[id] ?? created, created);
    }
  }
  return { ...table, born };
}

/** Whether what is read before the MAC can be checked is there; the MAC says the rest. */
function isTable(table: Partial<SlotTable> | undefined): boolean {
  if (table?.version !== 2 || !Number.isSafeInteger(table.serial)) return false;
  const { cluster, written, secret, slots, recovery, peers, retired } = table;
  return (
    [cluster, written, secret].every((each) => typeof each === 'string') &&
    [slots ?? null, peers ?? [], retired ?? []].every((each) => isListOfObjects(each)) &&
    (slots ?? []).every((slot) => slotTexts.every((name) => typeof slot[name] === 'string')) &&
    (recovery === undefined || recoveryTexts.every((name) => typeof recovery[name] === 'string'))
  );
}

const slotTexts = ['kind', 'generation', 'keyId', 'publicKey', 'hash', 'ciphertext'] as const;
const recoveryTexts = ['set', 'publicKey', 'sealedKey', 'mark'] as const;

function isListOfObjects(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'object' && each !== null);
}

/** The text of a table under its MAC. */
export function storedText(table: SlotTable, key: KeyObject): string {
  const stored: StoredTable = { table, mac: computeMac(table, key).toString('hex') };
  return `${JSON.stringify(stored, null, 1)}\n`;
}

/** Whether the table is as the holder of this key wrote it: anybody could encrypt to a slot. */
export function isAuthentic({ table, mac }: StoredTable, key: KeyObject): boolean {
  const given = Buffer.from(mac, 'hex');
  const right = computeMac(table, key);
  return given.length === right.length && timingSafeEqual(given, right);
}

/** Writes both copies, one after the other, each durably. */
export function writeSlotTable(folder: string, table: SlotTable, key: KeyObject): void {
  const bytes = Buffer.from(storedText(table, key));
  for (const name of copies) replaceFile(join(folder, name), bytes);
}

/** The purpose under which a wrapping key derives the key of its slot table's MAC. */
export const slotTablePurpose = 'twinlock slot table';

function computeMac(table: SlotTable, key: KeyObject): Buffer {
  const slots = table.slots.map((slot) => [
    slot.kind,
    slot.generation,
    slot.keyId,
    slot.label,
    slot.publicKey,
    slot.hash,
    slot.created,
    slot.ciphertext,
    ...placeOf(slot),
  ]);
  const { version, serial, cluster, written, secret } = table;
  const recovery = canonicalRecovery(table);
  const pair = canonicalPair(table);
  const retired =
    table.retired === undefined
      ? []
      : [
          [
            'retired',
            ...table.retired.map(({ keyId, publicKey, token = '', device }) => [
              ...[keyId, publicKey, token],
              ...(device === undefined ? [] : [device]),
            ]),
          ],
        ];
  const ages = Object.entries(table.born ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const born = table.born === undefined ? [] : [['born', ...ages]];
  const rest = [...recovery, ...pair, ...retired, ...born];
  const text = JSON.stringify([version, serial, cluster, written, secret, slots, ...rest]);
  return createHmac('sha256', key).update(text).digest();
}
