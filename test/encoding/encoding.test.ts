import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { EncodingError } from '../../appliance/encoding/error.ts';
import { fromJson, toJson } from '../../appliance/encoding/json.ts';
import { fromXml, toXml } from '../../appliance/encoding/xml.ts';
import { decode } from '../../appliance/ttlv/decode.ts';
import { encode } from '../../appliance/ttlv/encode.ts';
import { defaultLimits } from '../../appliance/ttlv/limit.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { kmipData, noData, textFiles } from '../harness/kmip-data.ts';

const data = kmipData();
const testOfData = data === undefined ? test.skip : test;
if (data === undefined) console.log(`skipped: ${noData}`);

for (const version of ['v1.0', 'v1.4']) {
  testOfData(`every message of the ${version} cases comes back from XML and from JSON`, (t) => {
    for (const [name, text] of textFiles(join(data ?? '', 'ttlv-pairs', version, 'hex'))) {
      const bytes = Buffer.from(text.replace(/\s/g, ''), 'hex');
      const item = decode(bytes);
      t.deepEqual(encode(fromXml(toXml(item), defaultLimits)), bytes, `${name} in XML`);
      t.deepEqual(encode(fromJson(toJson(item), defaultLimits)), bytes, `${name} in JSON`);
    }
  });

  testOfData(`the XML that OASIS prints for ${version} reads as its bytes`, (t) => {
    const folder = join(data ?? '', 'ttlv-pairs', version);
    const hex = textFiles(join(folder, 'hex'));
    let read = 0;
    for (const [name, text] of textFiles(join(folder, 'xml'))) {
      const counts = { Request: 0, Response: 0 };
      const plain = text.replace(/<!--[^]*?-->/g, '');
      for (const [message, side] of plain.matchAll(
        /<(Request|Response)Message>[^]*?<\/\1Message>/g,
      )) {
        const kind = side === 'Request' ? 'Request' : 'Response';
        const number = String(counts[kind]++).padStart(2, '0');
        const file = name.replace(/xml$/, `${number}.${kind === 'Request' ? 'req' : 'rsp'}.hex`);
        const bytes = (hex.get(file) ?? '').replace(/\s/g, '').toLowerCase();
        t.is(encode(fromXml(message, defaultLimits)).toString('hex'), bytes, file);
        read++;
      }
    }
    t.is(read, hex.size);
  });
}

const sample: Item = {
  tag: 0x420078,
  type: 'Structure',
  value: [
    { tag: 0x420094, type: 'TextString', value: '<&>"\'\n\u00e9\u{1f511} ' },
    { tag: 0x540001, type: 'Integer', value: -1 },
    { tag: 0x42000b, type: 'LongInteger', value: 2n ** 62n + 1n },
    { tag: 0x42000b, type: 'LongInteger', value: -(2n ** 62n) },
    { tag: 0x42000b, type: 'BigInteger', value: Buffer.from('ffffffffffffff01', 'hex') },
    { tag: 0x42005c, type: 'Enumeration', value: 0x8000_0001 },
    { tag: 0x420013, type: 'Boolean', value: true },
    { tag: 0x420001, type: 'DateTime', value: -1n },
    { tag: 0x420001, type: 'DateTime', value: 2n ** 55n },
    { tag: 0x420001, type: 'DateTimeExtended', value: 1_700_000_000_123_456n },
    { tag: 0x420049, type: 'Interval', value: 0xffff_ffff },
    { tag: 0x420043, type: 'ByteString', value: Buffer.alloc(0) },
    { tag: 0x540002, type: 'Structure', value: [] },
  ],
};

test('every type, and a vendor’s tag, comes back as it was', (t) => {
  const bytes = encode(sample);
  t.deepEqual(encode(fromXml(toXml(sample), defaultLimits)), bytes);
  t.deepEqual(encode(fromJson(toJson(sample), defaultLimits)), bytes);
});

test('§5.4.1.6: masks may be named', (t) => {
  const xml = '<CryptographicUsageMask type="Integer" value="Encrypt Decrypt"/>';
  t.is(fromXml(xml, defaultLimits).value, 12);
  const json = '{"tag":"CryptographicUsageMask","type":"Integer","value":"Encrypt|Decrypt"}';
  t.is(fromJson(json, defaultLimits).value, 12);
});

test('2.x: what names an attribute or stands for an identifier is read by its name', (t) => {
  const rows = [
    ['AttributeReference', 'State', 0x42008d],
    ['Tag', 'CryptographicUsageMask', 0x42002c],
    ['UniqueIdentifier', 'IDPlaceholder', 1],
    ['PrivateKeyUniqueIdentifier', 'CreateKeyPairPrivateKey', 5],
    ['Data', 'Decrypt', 1],
    ['0x42005c', 'Get', 10],
    ['0x42013b', 'State', 0x42008d],
    ['AttributeReference', '0x00420008', 0x420008],
  ] as const;
  for (const [tag, name, value] of rows) {
    const field = tag.startsWith('0x') ? `TTLV tag="${tag}"` : tag;
    const xml = `<${field} type="Enumeration" value="${name}"/>`;
    t.is(fromXml(xml, defaultLimits).value, value, xml);
    const json = JSON.stringify({ tag, type: 'Enumeration', value: name });
    t.is(fromJson(json, defaultLimits).value, value, json);
  }
});

test('document types, entities, stray text and broken nesting are refused', (t) => {
  for (const text of [
    '',
    'text',
    '<!DOCTYPE x [<!ENTITY a "b">]><RequestMessage/>',
    '<Comment type="TextString" value="&a;"/>',
    '<RequestMessage>text</RequestMessage>',
    '<RequestMessage><BatchItem></RequestMessage></BatchItem>',
    '<RequestMessage/><RequestMessage/>',
    '<RequestMessage',
    '<![CDATA[x]]>',
    '<NoSuchTag/>',
    '<Operation type="Enumeration" value="toString"/>',
    '<BatchCount type="Integer" value="9999999999"/>',
    '<Comment type="TextString" value="a"><Comment type="TextString" value="b"/></Comment>',
    `${'<BatchItem>'.repeat(100)}${'</BatchItem>'.repeat(100)}`,
  ]) {
    t.throws(() => fromXml(text, defaultLimits), { instanceOf: EncodingError }, text.slice(0, 60));
  }
  for (const text of ['', '[]', '1', '{"tag":1}', '{"tag":"BatchItem","value":{}}']) {
    t.throws(() => fromJson(text, defaultLimits), { instanceOf: EncodingError }, text);
  }
});

test('whatever is changed in a message, it reads or is refused', (t) => {
  for (const [write, read] of [
    [toXml, fromXml],
    [toJson, fromJson],
  ] as const) {
    const text = write(sample);
    const edit = fc.tuple(fc.nat(text.length - 1), fc.nat(3), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let changed = text;
        for (const [at, removed, put] of edits) {
          changed = changed.slice(0, at) + put + changed.slice(at + removed);
        }
        try {
          encode(read(changed, defaultLimits));
        } catch (error) {
          if (!(error instanceof EncodingError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  }
  t.pass();
});
