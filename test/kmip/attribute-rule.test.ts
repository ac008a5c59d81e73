import test from 'ava';
import { attributeRules } from '../../appliance/kmip/attribute-rule.ts';
import type { AttributeRule } from '../../appliance/kmip/attribute-rule.ts';
import { ObjectType } from '../../appliance/kmip/enumeration.ts';
import { attributeFacts } from './attribute-fact.ts';

/** The server's table of attributes against those of the seven specifications. */
interface Fact {
  readonly name: string;
  readonly since: number;
  readonly said: readonly string[];
}

const facts = attributeFacts.map((text): Fact => {
  const [name = '', version = '', ...said] = text.split('; ');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return { name, since: major * 100 + minor, said };
});
const versions = [100, 101, 102, 103, 104, 200, 201];

const T = ObjectType;
const key = [T.SymmetricKey, T.PublicKey, T.PrivateKey, T.SplitKey, T.PGPKey];
const cryptographic = [...key, T.Certificate, T.SecretData];

/** What the tables call the objects, in our words. */
const objects: Readonly<Record<string, readonly ObjectType[]>> = {
  all: Object.values(ObjectType),
  cryptographic,
  cryptographicOrTemplate: [...cryptographic, T.Template],
  valued: [...cryptographic, T.OpaqueObject],
  keys: [...key, T.Template],
  keyed: [...key, T.Certificate, T.Template],
  symmetric: [T.SymmetricKey, T.SplitKey, T.Template],
  asymmetric: [T.PublicKey, T.PrivateKey, T.Template],
  pair: [T.PublicKey, T.PrivateKey],
  certificates: [T.Certificate],
  signed: [T.Certificate, T.PGPKey],
  secret: [T.SymmetricKey, T.PrivateKey, T.SplitKey, T.SecretData],
  opaque: [T.OpaqueObject],
};

/** Where the server differs, and why. */
const differing: Readonly<Record<string, string>> = {
  'Digital Signature Algorithm': 'since 1.2 PGP keys have it; 1.1 has no PGP keys',
  'Process Start Date': 'the profile case CS-AC-M-8 sets it on a private key',
  'Protect Stop Date': 'the profile case CS-AC-M-8 sets it on a private key',
};

function ruleSays(rule: AttributeRule, version: number): readonly string[] {
  const { always, deletable, modifiable, multiple, setBy } = rule;
  const isAlways = typeof always === 'number' ? version >= always : always;
  const who = { server: 'server', client: 'client', either: 'client server' }[setBy];
  return [
    isAlways ? 'yes' : 'no',
    who,
    modifiable,
    deletable === 'unspent' ? deletable : deletable ? 'yes' : 'no',
    multiple ? 'many' : 'one',
  ];
}

for (const name of new Set(facts.map((fact) => fact.name))) {
  test(`${name}: as the specifications say`, (t) => {
    const rule = attributeRules[name];
    if (rule === undefined) return t.fail('it is not in the table');
    const lines = facts.filter((fact) => fact.name === name);
    t.is(lines[0]?.since, rule.since);
    for (const version of versions) {
      if (version < rule.since || version > (rule.until ?? Infinity)) continue;
      const [fact] = lines.filter(({ since }) => since <= version).toReversed();
      const said = fact?.said ?? [];
      t.deepEqual(ruleSays(rule, version), said.slice(0, 5), String(version));
      const wanted = new Set(objects[said[5] ?? '']);
      const own = version < 200 ? rule.in1 : rule.in2;
      if (differing[name] === undefined) t.deepEqual(own, wanted, String(version));
      else
        t.true(
          [...wanted].every((each) => own.has(each)),
          String(version),
        );
    }
  });
}

test('every attribute of the table is one of the specifications', (t) => {
  const known = new Set(facts.map(({ name }) => name));
  for (const name of Object.keys(attributeRules)) t.true(known.has(name), name);
  t.is(known.size, Object.keys(attributeRules).length);
});
