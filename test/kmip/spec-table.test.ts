import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import * as enumerations from '../../appliance/kmip/enumeration.ts';
import * as masks from '../../appliance/kmip/mask.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { kmipData, noData } from '../harness/kmip-data.ts';

/** Our tables against those that the specifications of all seven versions print. */
interface Tables {
  readonly tags: Readonly<Record<string, string>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly masks: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const data = kmipData();
const testOfData = data === undefined ? test.skip : test;
if (data === undefined) console.log(`skipped: ${noData}`);

const versions = ['1.0', '1.1', '1.2', '1.3', '1.4', '2.0', '2.1'];
const plain = (name: string): string => name.replace(/[^\da-z]/gi, '').toLowerCase();

function byPlainName(table: Readonly<Record<string, unknown>>): Map<string, unknown> {
  return new Map(Object.entries(table).map(([name, value]) => [plain(name), value]));
}

/** What the specifications call a table, where that is not our name. */
const tableNames: Readonly<Record<string, string>> = {
  RecommendedCurveEnumerationforECDSAECDHandECMQV: 'RecommendedCurve',
  DRGBAlgorithm: 'DRBGAlgorithm',
  UniqueIdentifier: 'UniqueIdentifierEnumeration',
  StorageStatus: 'StorageStatusMask',
  Data: 'DataEnumeration',
};

const ours = byPlainName({ ...enumerations, ...masks });
const tableOf = (name: string): Readonly<Record<string, number>> | undefined => {
  const key = name.replace(/[^\da-z]/gi, '');
  return ours.get(plain(tableNames[key] ?? key)) as Readonly<Record<string, number>> | undefined;
};

/** Printed but of no use on the wire: places kept free. */
const isFree = (name: string): boolean => /reserved|unused|extensions/i.test(name);

/** Names that cannot be ours, and one that is printed wrong. */
const otherNames: Readonly<Record<string, string>> = { '3des': 'des3', mfg1: 'mgf1' };

function faults(what: string, wanted: string, own: string | undefined): string[] {
  const same = own === (otherNames[wanted] ?? wanted) || own?.replace(/pkcs1v\d+$/, '') === wanted;
  return same ? [] : [`${what}, here ${own ?? 'missing'}`];
}

for (const version of versions) {
  testOfData(`every tag, enumeration and mask of KMIP ${version} stands in our tables`, (t) => {
    const text = readFileSync(join(data ?? '', 'spec-tables', `tables-${version}.json`), 'utf8');
    const { tags, enums, masks: bits } = JSON.parse(text) as Tables;
    const missing: string[] = [];
    const known = byPlainName(Tag);
    for (const [name, tag] of Object.entries(tags)) {
      if (!isFree(name)) t.is(known.get(plain(name)), Number(`0x${tag}`), name);
    }
    for (const [name, table] of [...Object.entries(enums), ...Object.entries(bits)]) {
      const own = tableOf(name);
      const names = new Map(Object.entries(own ?? {}).map(([key, each]) => [each, plain(key)]));
      for (const [value, number] of Object.entries(table)) {
        if (!isFree(value))
          missing.push(...faults(`${name}: ${value}`, plain(value), names.get(number)));
      }
    }
    t.deepEqual(missing, []);
    t.true(Object.keys(tags).length > 150);
  });
}
