import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Operation } from '../../../appliance/kmip/enumeration.ts';
import { operations } from '../../../appliance/operation/index.ts';
import { decode } from '../../../appliance/ttlv/decode.ts';
import { encode } from '../../../appliance/ttlv/encode.ts';
import { startAppliance } from '../../harness/appliance.ts';
import { kmipData, noData } from '../../harness/kmip-data.ts';
import { Wires } from '../../harness/vcenter.ts';
import { Asker } from './asker.ts';
import type { OperationName, Outcome } from './asker.ts';
import { batch, batchLines, messageLines } from './message-row.ts';
import { listedReasons, reasonLines } from './reason-row.ts';
import { lines, listed } from './row.ts';

/**
 * Every row of the error tables of KMIP 1.0 to 1.4 (§11): provoked at a real appliance over TLS, or
 * listed with the reason why it cannot come about here. A listed row that comes about fails.
 */
interface Row {
  readonly error?: string;
  readonly reason: string;
}

const data = kmipData();
const versions = [100, 101, 102, 103, 104] as const;

function tableOf(version: number): [at: string, Row][] {
  const file = `errors-${Math.floor(version / 100)}.${version % 100}.json`;
  const path = join(data ?? '', 'spec-tables', file);
  const table = JSON.parse(readFileSync(path, 'utf8')) as Record<string, Row[]>;
  return Object.entries(table).flatMap(([at, rows]) =>
    rows.map((row): [string, Row] => [at.replace(/ Errors$/, ''), row]),
  );
}

const plain = (text: string): string => text.replace(/[^\da-z]/gi, '').toLowerCase();
const operationOf = new Map(Object.keys(Operation).map((name) => [plain(name), name]));

/** What the tables print otherwise than their own enumerations. */
const printed: Readonly<Record<string, readonly string[]>> = {
  na: ['success'],
  notextractble: ['notextractable'],
  notsupported: ['featurenotsupported'],
  keyformattypeandorkeycompressiontypenotsupported: [
    'keyformattypenotsupported',
    'keycompressiontypenotsupported',
  ],
};

function isWanted(reason: string, came: string): boolean {
  const wanted = plain(reason);
  return (printed[wanted] ?? [wanted]).includes(plain(came));
}

/** The reason of a row; 1.2 and 1.3 leave some empty that the versions about them have. */
function reasonOf(at: string, { error, reason }: Row): string {
  if (reason !== '' || error === '') return reason;
  const other = tableOf(104).find(([name, row]) => name === at && row.error === error);
  return other?.[1].reason ?? '';
}

async function fault(asker: Asker, at: string, row: Row): Promise<string | undefined> {
  const error = row.error ?? '';
  const name = `${asker.version} ${at}: ${error}`;
  if (at === 'General') return generalFault(asker, name, row);
  if (at === 'Batch Items') return batchFault(asker, name, error);
  const operation = operationOf.get(plain(at)) as OperationName | undefined;
  if (operation === undefined) return `${name}: no such operation`;
  const isPerformed = operations.some((each) => each.operation === Operation[operation]);
  if (!isPerformed) {
    const { reason } = await asker.ask(operation, []);
    return reason === 'OperationNotSupported' ? undefined : `${name}: came ${reason}`;
  }
  const line = lines.find(({ at: place, says }) => place.test(at) && says.test(error));
  const reason = listed.find(([place, says]) => place.test(at) && says.test(error));
  if (line === undefined) return reason === undefined ? `${name}: not told` : undefined;
  const came = await line.provoke(asker, operation).catch((cause: unknown) => String(cause));
  if (typeof came === 'string') return reason === undefined ? `${name}: ${came}` : undefined;
  return verdict(name, came, reasonOf(at, row), reason !== undefined);
}

function verdict(
  name: string,
  came: Outcome,
  wanted: string,
  isListed: boolean,
): string | undefined {
  const isRight = isWanted(wanted, came.reason);
  if (isListed) return isRight ? `${name}: it comes about, take it from the list` : undefined;
  return isRight ? undefined : `${name}: wanted ${wanted}, came ${came.reason}`;
}

/** Whether a row is listed with its reason, and not brought about. */
function isToldOnly(at: string, error: string): boolean {
  const isGeneral = at === 'General';
  if (isGeneral) return messageLines.find(({ says }) => says.test(error))?.listed !== undefined;
  return listed.some(([place, says]) => place.test(at) && says.test(error));
}

async function generalFault(asker: Asker, name: string, row: Row): Promise<string | undefined> {
  const line = messageLines.find(({ says }) => says.test(row.error ?? ''));
  if (line === undefined) return `${name}: not told`;
  const came = await line.provoke(asker);
  if (line.also?.(came) === false) return `${name}: not of the shape that the row says`;
  return verdict(name, came, row.reason, line.listed !== undefined);
}

async function batchFault(asker: Asker, name: string, error: string): Promise<string | undefined> {
  const line = batchLines.find(([says]) => says.test(error));
  if (line === undefined) return `${name}: not told`;
  const came = await batch(asker, line[1]);
  return came === line[2] ? undefined : `${name}: came ${came}`;
}

/** A client of a real appliance, in whatever version. */
async function connect(t: ExecutionContext): Promise<(version: number) => Asker> {
  const appliance = await startAppliance(t);
  await appliance.twinlock('group', 'add-configurer', 'default', 'client');
  const [cert, key] = ['cert.pem', 'key.pem'].map((file) => appliance.read('client', file));
  const { host, port } = appliance;
  const wires = new Wires({ host, port, cert, key });
  t.teardown(() => {
    wires.end();
  });
  const now = Math.floor((performance.timeOrigin + performance.now()) / 1000);
  return (version) =>
    new Asker(version, now, async (message) => decode((await wires.exchange(encode(message))).raw));
}

/** The reasons of 2.x by operation. */
function reasonsOf(version: number): [at: string, reason: string][] {
  return tableOf(version).flatMap(([at, { reason }]) =>
    [...new Set(reason.split(', '))].map((each): [string, string] => [at, each]),
  );
}

async function reasonFault(asker: Asker, at: string, reason: string): Promise<string | undefined> {
  const operation = operationOf.get(plain(at)) as OperationName | undefined;
  const name = `${asker.version} ${at}: ${reason}`;
  if (operation === undefined) return `${name}: no such operation`;
  const performed = operations.find((each) => each.operation === Operation[operation]);
  if (performed === undefined || performed.since > asker.version) {
    const came = await asker.ask(operation, []);
    return came.reason === 'OperationNotSupported' ? undefined : `${name}: came ${came.reason}`;
  }
  const line = reasonLines.find((each) => each.at.test(at) && each.reason.test(reason));
  const isListed = listedReasons.some(([place, said]) => place.test(at) && said.test(reason));
  if (line === undefined) return isListed ? undefined : `${name}: not told`;
  const came = await line.provoke(asker, operation).catch((cause: unknown) => String(cause));
  if (typeof came === 'string') return isListed ? undefined : `${name}: ${came}`;
  return verdict(name, came, reason, isListed);
}

if (data === undefined) {
  console.log(`skipped: ${noData}`);
  test.skip(`the error tables of KMIP: ${noData}`, (t) => t.pass());
} else {
  test('§11: every row of the error tables of 1.0 to 1.4, over TLS', async (t) => {
    const client = await connect(t);
    const all: string[] = [];
    let count = 0;
    let told = 0;
    for (const version of versions) {
      const asker = client(version);
      const faults: string[] = [];
      const rows = tableOf(version).filter(([, { error }]) => error !== '');
      for (const [at, row] of rows) {
        const found = await fault(asker, at, row);
        if (found !== undefined) faults.push(found);
      }
      all.push(...faults);
      count += rows.length;
      told += rows.filter(([at, row]) => isToldOnly(at, row.error ?? '')).length;
      t.true(rows.length > 100, String(version));
    }
    t.deepEqual(all, []);
    t.log(`${count} rows, ${told} of them listed`);
  });

  test('KMIP 2.1 §6.1: every reason of every operation of 2.0 and 2.1, over TLS', async (t) => {
    const client = await connect(t);
    const faults: string[] = [];
    const all = [200, 201].map((version) => [version, reasonsOf(version)] as const);
    for (const [version, reasons] of all) {
      const asker = client(version);
      for (const [at, reason] of reasons) {
        const found = await reasonFault(asker, at, reason);
        if (found !== undefined) faults.push(found);
      }
    }
    t.deepEqual(faults, []);
    const rows = all.flatMap(([, reasons]) => reasons);
    const isListed = ([at, reason]: (typeof rows)[number]): boolean =>
      listedReasons.some(([place, said]) => place.test(at) && said.test(reason));
    t.log(`${rows.length} reasons, ${rows.filter(isListed).length} of them listed`);
    // What is listed of no row is listed in vain.
    const vain = listedReasons.filter(
      ([place, said]) => !rows.some(([at, reason]) => place.test(at) && said.test(reason)),
    );
    t.deepEqual(vain, []);
  });
}
