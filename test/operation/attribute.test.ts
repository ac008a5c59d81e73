import test from 'ava';
import { attributeRules } from '../../appliance/kmip/attribute-rule.ts';
import type { AttributeRule } from '../../appliance/kmip/attribute-rule.ts';
import { appliesTo } from '../../appliance/kmip/attribute.ts';
import { nameOf, ObjectType } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { Asker } from '../conformance/error/asker.ts';
import type { Given, Outcome } from '../conformance/error/asker.ts';
import * as fit from '../conformance/error/fitting.ts';
import { bytes, date, enumerated, flag, id, integer, interval } from '../harness/operations.ts';
import { struct, text } from '../harness/operations.ts';
import { nearServer } from '../harness/near-server.ts';
import type { NearServer } from '../harness/near-server.ts';

/** Every attribute × every object type × every version, by the table of rules (§3). */
const versions = [100, 101, 102, 103, 104, 200, 201];
const T = ObjectType;

function askerOf(server: NearServer, version: number): Asker {
  return new Asker(version, server.now(), (message) => server.exchange(message));
}

/** One object of each type that a version can make. */
async function objectsOf(asker: Asker): Promise<ReadonlyMap<ObjectType, string>> {
  const [privateKey = '', publicKey = ''] = await fit.pair(asker);
  const [certificate = ''] = await asker.made('Certify', [id(publicKey)]);
  const made = new Map<ObjectType, string>([
    [T.SymmetricKey, await fit.key(asker)],
    [T.PrivateKey, privateKey],
    [T.PublicKey, publicKey],
    [T.Certificate, certificate],
    [T.SecretData, await fit.secret(asker)],
    [T.OpaqueObject, await fit.opaque(asker)],
  ]);
  if (asker.version >= 102) {
    const parts = await fit.fitting(asker, 'JoinSplitKey');
    made.set(T.SplitKey, parts[0] ?? '');
  }
  if (asker.isOld) made.set(T.Template, await fit.template(asker, 'a template'));
  return made;
}

const rulesIn = (version: number): [string, AttributeRule][] =>
  Object.entries(attributeRules).filter(
    ([, { since, until = Infinity }]) => since <= version && version <= until,
  );

function namesOf(asker: Asker, { payload }: Outcome): Set<string> {
  const byTag = new Map(Object.entries(attributeRules).map(([name, { tag }]) => [tag, name]));
  const names = payload.flatMap((item) => {
    if (item.tag === Tag.AttributeName && item.type === 'TextString') return [item.value];
    if (item.tag === Tag.AttributeReference && item.type === 'Enumeration') {
      return [byTag.get(item.value) ?? String(item.value)];
    }
    return [];
  });
  if (names.length === 0) throw new Error(`no attributes in ${asker.version}`);
  return new Set(names);
}

/** Attributes that are always there, but for these objects, and why. */
const lacking: readonly (readonly [name: RegExp, objectType: ObjectType, why: string])[] = [
  [/^Cryptographic (Algorithm|Length)$/, T.SecretData, '2.x: except for Secret Data'],
  [/^Cryptographic (Algorithm|Length)$/, T.OpaqueObject, '2.x: except for Opaque Objects'],
  [/^Cryptographic Usage Mask$/, T.OpaqueObject, '2.x: except for Opaque Objects'],
  [/^Cryptographic (Algorithm|Length|Usage Mask)$/, T.Template, 'a template may leave it open'],
  [/Sensitive|Extractable/, T.Template, 'a template holds nothing'],
];

for (const version of versions) {
  test(`${version}: what is always there is there, and nothing that does not apply`, async (t) => {
    const asker = askerOf(nearServer(t), version);
    for (const [objectType, made] of await objectsOf(asker)) {
      const present = namesOf(asker, await asker.ask('GetAttributeList', [id(made)]));
      const what = nameOf(ObjectType, objectType);
      for (const [name, rule] of rulesIn(version)) {
        const { always } = rule;
        const applies = appliesTo(rule, objectType, version);
        const isAlways = typeof always === 'number' ? version >= always : always;
        const isLacking = lacking.some(([names, type]) => names.test(name) && type === objectType);
        if (!applies) t.false(present.has(name), `${what} has ${name}`);
        if (applies && isAlways && !isLacking) t.true(present.has(name), `${what} lacks ${name}`);
      }
    }
  });
}

const structures: Readonly<Record<string, (text: string) => Item>> = {
  Name: (value) => struct('Name', text('NameValue', value), enumerated('NameType', 1)),
  'Cryptographic Parameters': (value) =>
    struct('CryptographicParameters', enumerated('BlockCipherMode', value === 'one' ? 1 : 2)),
  'Usage Limits': (value) => {
    const total = { tag: Tag.UsageLimitsTotal, type: 'LongInteger' } as const;
    const unit = enumerated('UsageLimitsUnit', 1);
    return struct('UsageLimits', { ...total, value: value === 'one' ? 1n : 2n }, unit);
  },
  Link: (value) =>
    struct('Link', enumerated('LinkType', 0x103), text('LinkedObjectIdentifier', value)),
  'Application Specific Information': (value) =>
    struct(
      'ApplicationSpecificInformation',
      text('ApplicationNamespace', 'tests'),
      text('ApplicationData', value),
    ),
  'Alternative Name': (value) =>
    struct(
      'AlternativeName',
      text('AlternativeNameValue', value),
      enumerated('AlternativeNameType', 1),
    ),
  'Key Value Location': (value) =>
    struct(
      'KeyValueLocation',
      text('KeyValueLocationValue', value),
      enumerated('KeyValueLocationType', 1),
    ),
  'Random Number Generator': () => struct('RandomNumberGenerator', enumerated('RNGAlgorithm', 1)),
  'Cryptographic Domain Parameters': () =>
    struct('CryptographicDomainParameters', enumerated('RecommendedCurve', 7)),
  'Rotate Name': (value) =>
    struct('RotateName', text('RotateNameValue', value), enumerated('RotateNameType', 1)),
};

/** A value of an attribute, or another; dates lie ahead. */
function sample(name: string, rule: AttributeRule, one: boolean, now: number): Item {
  const number = one ? 1 : 2;
  switch (rule.type) {
    case 'Structure':
      return structures[name]?.(one ? 'one' : 'two') ?? struct('Name');
    case 'TextString':
      return text('Comment', one ? 'one' : 'two');
    case 'ByteString':
      return bytes('Data', one ? '01' : '02');
    case 'Boolean':
      return flag('Fresh', one);
    case 'DateTime':
      return date('InitialDate', now + 1000 * number);
    case 'Interval':
      return interval('LeaseTime', number);
    case 'Enumeration':
      return enumerated('State', number);
    default:
      return integer('BatchCount', number);
  }
}

const denied: ReadonlySet<string> = new Set([
  'PermissionDenied',
  'ReadOnlyAttribute',
  'AttributeReadOnly',
  'InvalidAttribute',
]);

async function faultsOf(
  asker: Asker,
  made: string,
  objectType: ObjectType,
  name: string,
  rule: AttributeRule,
): Promise<string[]> {
  // True of Rotate Automatic would promise what the server does not do.
  const first = name !== 'Rotate Automatic';
  const given = (one: boolean): Given => [name, sample(name, rule, one === first, asker.now)];
  const faults: string[] = [];
  const expect = (what: string, came: Outcome, wanted: boolean): void => {
    if ((came.reason === 'Success') === wanted && (wanted || denied.has(came.reason))) return;
    const object = nameOf(ObjectType, objectType);
    faults.push(`${what} ${name} of ${object} in ${asker.version}: ${came.reason}`);
  };
  const names = namesOf(asker, await asker.ask('GetAttributeList', [id(made)]));
  const settable = rule.setBy !== 'server' && appliesTo(rule, objectType, asker.version);
  if (!settable || !names.has(name) || rule.multiple) {
    expect('add', await asker.ask('AddAttribute', [id(made), asker.anew(given(true))]), settable);
  }
  if (!settable) return faults;
  const modify = await asker.ask('ModifyAttribute', [
    id(made),
    ...(asker.isOld || !rule.multiple ? [] : [struct('CurrentAttribute', asker.one(given(true)))]),
    asker.anew(given(false)),
  ]);
  // Of many, 2.x names one by its value.
  if (asker.isOld || !rule.multiple || !names.has(name))
    expect('modify', modify, rule.modifiable !== 'no');
  const lowest = asker.isOld ? [integer('AttributeIndex', 0)] : [];
  const remove = await asker.ask('DeleteAttribute', [id(made), asker.named(name), ...lowest]);
  expect('delete', remove, rule.deletable !== false);
  return faults;
}

for (const version of versions) {
  test(`${version}: a client sets, changes and deletes what the table says`, async (t) => {
    const asker = askerOf(nearServer(t), version);
    const faults: string[] = [];
    for (const [objectType, made] of await objectsOf(asker)) {
      if (objectType === T.PrivateKey || objectType === T.PublicKey) continue;
      for (const [name, rule] of rulesIn(version)) {
        faults.push(...(await faultsOf(asker, made, objectType, name, rule)));
      }
    }
    t.deepEqual(faults, []);
  });
}
