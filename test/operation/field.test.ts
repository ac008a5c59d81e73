import test from 'ava';
import { nameOf, Operation } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { operations } from '../../appliance/operation/index.ts';
import type { Context, OperationDefinition } from '../../appliance/operation/operation.ts';
import { TtlvError } from '../../appliance/ttlv/error.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { bytes, enumerated, long, struct, text } from '../harness/operations.ts';
import { operationFacts, printedFields, tagsOf } from '../kmip/operation-fact.ts';

/** Every field that each operation's request may have, in every version, by the printed tables. */
const versions = [100, 101, 102, 103, 104, 200, 201];
type TagName = keyof typeof Tag;

/** Fields that are taken although the tables do not print them, and why. */
const beyond: Readonly<Record<string, readonly [since: number, why: string]>> = {
  'Certify CertificateRequest': [200, 'the bytes are the same as in Certificate Request Value'],
  'ReCertify CertificateRequest': [200, 'the bytes are the same as in Certificate Request Value'],
  'Import ProtectionStorageMasks': [200, 'its reasons name Protection Storage Unavailable'],
};

function beyondOf(operation: string, version: number): string[] {
  return Object.entries(beyond).flatMap(([name, [since]]) => {
    const [at, field = ''] = name.split(' ');
    return at === operation && since <= version ? [field] : [];
  });
}

const inVersion = (version: number): [name: string, OperationDefinition][] =>
  operations
    .filter(({ since }) => since <= version)
    .map((each) => [nameOf(Operation, each.operation), each]);

/** What the reader of an operation's requests says; nothing behind the reading is reached. */
async function reading(
  { prepare }: OperationDefinition,
  version: number,
  payload: readonly Item[],
): Promise<TtlvError | undefined> {
  const own: Partial<Context> = { version, withData: (item) => item };
  const context = new Proxy(own, {
    get(target, name) {
      if (name in target) return target[name as keyof Context];
      throw new RangeError('it was read');
    },
  });
  try {
    await prepare(struct('RequestPayload', ...payload), context as Context);
  } catch (error) {
    if (error instanceof TtlvError) return error;
  }
  return undefined;
}

async function takes(
  operation: OperationDefinition,
  version: number,
  tag: number,
): Promise<boolean> {
  const error = await reading(operation, version, [{ tag, type: 'Integer', value: 1 }]);
  return error?.code !== 'unexpected-item' || error.at !== tag;
}

for (const version of versions) {
  test(`${version}: requests take the fields that are printed, and no other`, async (t) => {
    const faults: string[] = [];
    for (const [name, operation] of inVersion(version)) {
      const printed = printedFields(name, 'request', version);
      const wanted = printed.flatMap((field) => tagsOf(field, version));
      wanted.push(...beyondOf(name, version));
      for (const [tag, value] of Object.entries(Tag)) {
        const isTaken = await takes(operation, version, value);
        if (isTaken !== wanted.includes(tag)) {
          faults.push(`${name} ${isTaken ? 'takes' : 'does not take'} ${tag}`);
        }
      }
    }
    t.deepEqual(faults, []);
  });
}

const contact = text('ContactInformation', 'somebody');
const inAttribute = struct(
  'Attribute',
  text('AttributeName', 'x-Note'),
  text('AttributeValue', ''),
);
const key = struct('EncryptionKeyInformation', text('UniqueIdentifier', 'x'));

/** Values of structures that cannot be empty. */
const whole: Partial<Record<string, Item>> = {
  Attribute: inAttribute,
  NewAttribute: struct('NewAttribute', contact),
  CurrentAttribute: struct('CurrentAttribute', contact),
  KeyWrappingSpecification: struct(
    'KeyWrappingSpecification',
    enumerated('WrappingMethod', 1),
    key,
  ),
  RevocationReason: struct('RevocationReason', enumerated('RevocationReasonCode', 1)),
  UsageLimits: struct(
    'UsageLimits',
    long('UsageLimitsTotal', 1n),
    long('UsageLimitsCount', 1n),
    enumerated('UsageLimitsUnit', 1),
  ),
  Ticket: struct('Ticket', enumerated('TicketType', 1), bytes('TicketValue', '00')),
};

const plain = [
  { type: 'Integer', value: 1 },
  { type: 'LongInteger', value: 1n },
  { type: 'BigInteger', value: Buffer.from([1]) },
  { type: 'Enumeration', value: 1 },
  { type: 'Boolean', value: true },
  { type: 'TextString', value: 'x' },
  { type: 'ByteString', value: Buffer.from([1]) },
  { type: 'DateTime', value: 1n },
  { type: 'Interval', value: 1 },
  { type: 'Structure', value: [] },
] as const;

/** Whether a field may come twice; undefined where it takes no value that is at hand. */
async function mayComeTwice(
  operation: OperationDefinition,
  version: number,
  name: string,
): Promise<boolean | undefined> {
  const tag = Tag[name as TagName];
  const given = whole[name];
  const all = given === undefined ? plain.map((each): Item => ({ tag, ...each })) : [given];
  for (const item of all) {
    const once = await reading(operation, version, [item]);
    if (once !== undefined && (once.code !== 'missing-item' || once.at === tag)) continue;
    const twice = await reading(operation, version, [item, item]);
    return twice?.code !== 'repeated-item' || twice.at !== tag;
  }
  return undefined;
}

test('a field of a request comes as many times as is printed', async (t) => {
  const faults: string[] = [];
  let count = 0;
  for (const version of versions) {
    for (const [name, operation] of inVersion(version)) {
      for (const field of printedFields(name, 'request', version)) {
        if (field.name === 'object') continue;
        count++;
        const may = await mayComeTwice(operation, version, field.name);
        const isMany = field.count === '*' || field.count === '+';
        if (may !== isMany) faults.push(`${version} ${name} ${field.name}: ${String(may)}`);
      }
    }
  }
  t.deepEqual(faults, []);
  t.log(`${count} fields`);
});

test('every operation is printed', (t) => {
  const names = operations.map(({ operation }) => nameOf(Operation, operation));
  t.deepEqual(names.toSorted(), Object.keys(operationFacts).toSorted());
});
