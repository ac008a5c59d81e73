import test from 'ava';
import { AsynchronousIndicator, nameOf, Operation } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { operations } from '../../appliance/operation/index.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { configurersRule } from '../../appliance/keystore/group-rule.ts';
import { Asker } from '../conformance/error/asker.ts';
import type { OperationName, Outcome } from '../conformance/error/asker.ts';
import * as fit from '../conformance/error/fitting.ts';
import { enumerated, flag, found } from '../harness/operations.ts';
import { nearClient, nearServer } from '../harness/near-server.ts';
import type { NearServer } from '../harness/near-server.ts';
import { printedFields, tagsOf } from '../kmip/operation-fact.ts';

/** Every operation in every version: what it answers, and what it wants, by the printed tables. */
const versions = [100, 101, 102, 103, 104, 200, 201];

const inVersion = (version: number): OperationName[] =>
  operations
    .filter(({ since }) => since <= version)
    .map(({ operation }) => nameOf(Operation, operation) as OperationName);

/** Where a client's answers wait: 1.x has one later only where the other copy takes its time. */
interface Later {
  readonly asker: Asker;
  readonly begin: () => Promise<Item>;
}

function later(server: NearServer, asker: Asker): Later {
  const mandatory = enumerated('AsynchronousIndicator', AsynchronousIndicator.Mandatory);
  const header = [asker.isOld ? flag('AsynchronousIndicator', true) : mandatory];
  const begin = async (): Promise<Item> => {
    let arrive: () => void = () => undefined;
    const copied = new Promise<void>((resolve) => (arrive = resolve));
    server.keystore.guard = { admit: () => undefined, confirm: () => copied };
    const { fields } = await asker.ask('Create', fit.requestOn(asker, 'Create', []), { header });
    server.keystore.guard = { admit: () => undefined, confirm: () => Promise.resolve() };
    arrive();
    const value = found(fields, 'AsynchronousCorrelationValue');
    if (value === undefined) throw new Error('it was answered at once');
    return value;
  };
  return { asker, begin };
}

/** The request that has to succeed. */
async function requestOf(
  { asker, begin }: Later,
  operation: OperationName,
): Promise<readonly Item[]> {
  if (['Poll', 'Cancel', 'Process'].includes(operation)) return [await begin()];
  if (operation === 'Logout') {
    const { payload } = await asker.ask('Login', fit.requestOn(asker, 'Login', []));
    return payload;
  }
  const ids = await fit.fitting(asker, operation);
  if (operation === 'Revoke') await asker.activate(ids[0] ?? '');
  return fit.requestOn(asker, operation, ids);
}

/** A Poll is asked until there is an answer. */
async function answerTo(
  asker: Asker,
  operation: OperationName,
  payload: readonly Item[],
): Promise<Outcome> {
  for (;;) {
    const came = await asker.ask(operation, payload);
    if (came.status !== 'OperationPending') return came;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function faultsOf(operation: OperationName, version: number, { payload }: Outcome): string[] {
  // A Poll is answered as what it fetches.
  const of = operation === 'Poll' ? 'Create' : operation;
  const came = payload.map(({ tag }) => nameOf(Tag, tag));
  const fields = printedFields(of, 'response', version);
  const known = fields.flatMap((field) => tagsOf(field, version));
  const strange = came.filter((name) => !known.includes(name));
  const wrong = fields.filter((field) => {
    const times = came.filter((name) => tagsOf(field, version).includes(name)).length;
    const isMany = field.count === '*' || field.count === '+';
    const isNeeded = field.count === '' || field.count === '+';
    return (times > 1 && !isMany) || (times === 0 && isNeeded);
  });
  return [
    ...strange.map((name) => `${operation} answers ${name}`),
    ...wrong.map(({ name }) => `${operation} answers ${name} not as often as is printed`),
  ];
}

/** Leaves each field out that has to come. */
async function lenience(
  asker: Asker,
  operation: OperationName,
  payload: readonly Item[],
): Promise<string[]> {
  const faults: string[] = [];
  for (const field of printedFields(operation, 'request', asker.version)) {
    if (field.count === '?' || field.count === '*') continue;
    const tags = tagsOf(field, asker.version);
    const less = payload.filter(({ tag }) => !tags.includes(nameOf(Tag, tag)));
    if (less.length === payload.length) faults.push(`${operation} is asked without ${field.name}`);
    const { reason } = await asker.ask(operation, less);
    if (reason === 'Success') faults.push(`${operation} does without ${field.name}`);
  }
  return faults;
}

/** What is answered although a field that has to come is left out, and why. */
const lenient: Readonly<Record<string, string>> = {
  'Query does without QueryFunction': 'nothing is asked, and nothing answered',
  'SetDefaults does without DefaultsInformation': 'there are no defaults after it',
};

for (const version of versions) {
  test(`${version}: answers have the fields that are printed, requests need theirs`, async (t) => {
    const server = nearServer(t, { patience: 10 });
    await server.keystore.change((draft) => {
      const value = configurersRule([nearClient('default').id]);
      draft.append({ kind: 'group-rule-set', group: 'default', rule: 'configurers', value });
    });
    const asker = new Asker(version, server.now(), (message) => server.exchange(message));
    const faults: string[] = [];
    for (const operation of inVersion(version)) {
      const payload = await requestOf(later(server, asker), operation);
      faults.push(...(await lenience(asker, operation, payload)));
      const came = await answerTo(asker, operation, payload);
      if (came.reason !== 'Success') faults.push(`${operation}: ${came.reason}`);
      else faults.push(...faultsOf(operation, version, came));
    }
    const told = Object.keys(lenient).filter((fault) => version === 201 || /^Query/.test(fault));
    t.deepEqual(faults, told);
  });
}
