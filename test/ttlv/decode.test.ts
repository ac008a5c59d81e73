import test from 'ava';
import fc from 'fast-check';
import { decode } from '../../appliance/ttlv/decode.ts';
import { encode } from '../../appliance/ttlv/encode.ts';
import { TtlvError } from '../../appliance/ttlv/error.ts';
import type { TtlvErrorCode } from '../../appliance/ttlv/error.ts';
import { FrameReader } from '../../appliance/ttlv/frame.ts';
import type { Item } from '../../appliance/ttlv/item.ts';

const hex = (text: string): Buffer => Buffer.from(text.replace(/[\s|]/g, ''), 'hex');

const examples: readonly (readonly [string, string, unknown])[] = [
  ['an Integer of 8', '42 00 20 | 02 | 00 00 00 04 | 00 00 00 08 00 00 00 00', 8],
  [
    'a Long Integer of 123456789000000000',
    '42 00 20 | 03 | 00 00 00 08 | 01 B6 9B 4B A5 74 92 00',
    123456789000000000n,
  ],
  ['an Enumeration of 255', '42 00 20 | 05 | 00 00 00 04 | 00 00 00 FF 00 00 00 00', 255],
  ['a Boolean of True', '42 00 20 | 06 | 00 00 00 08 | 00 00 00 00 00 00 00 01', true],
  [
    'a Text String "Hello World"',
    '42 00 20 | 07 | 00 00 00 0B | 48 65 6C 6C 6F 20 57 6F 72 6C 64 00 00 00 00 00',
    'Hello World',
  ],
  [
    'a Date-Time of 2008-03-14 11:56:40',
    '42 00 20 | 09 | 00 00 00 08 | 00 00 00 00 47 DA 67 F8',
    1205495800n,
  ],
  ['an Interval of 10 days', '42 00 20 | 0A | 00 00 00 04 | 00 0D 2F 00 00 00 00 00', 864000],
];

for (const [name, text, value] of examples) {
  test(`KMIP 1.4 §9.1.2: ${name}`, (t) => {
    const item = decode(hex(text));
    t.deepEqual(item.value, value);
    t.deepEqual(encode(item), hex(text));
  });
}

const refused: readonly (readonly [string, string, TtlvErrorCode])[] = [
  ['a length beyond the message', '42002001 00000010 0000000000000000', 'truncated'],
  ['a length near 2^32', '42002008 fffffff8 0000000000000000', 'truncated'],
  ['a length near 2^31', '42002008 7fffffff 0000000000000000', 'truncated'],
  ['a child longer than its structure', '42002001 00000008 42002102 00000004', 'truncated'],
  ['a Boolean of 4 bytes', '42002006 00000004 0000000100000000', 'bad-length'],
  ['a Boolean of 2', '42002006 00000008 0000000000000002', 'bad-value'],
  ['an Integer of 8 bytes', '42002002 00000008 0000000000000001', 'bad-length'],
  ['an Enumeration of 2 bytes', '42002005 00000002 0001000000000000', 'bad-length'],
  ['a Date-Time of 4 bytes', '42002009 00000004 0000000100000000', 'bad-length'],
  ['a Big Integer of 4 bytes', '42002004 00000004 0000000100000000', 'bad-length'],
  ['padding that is not zero', '42002002 00000004 0000000100000001', 'bad-padding'],
  ['text that is not UTF-8', '42002007 00000002 c328000000000000', 'bad-value'],
  ['the type 0', '42002000 00000000', 'bad-type'],
  ['the type 12', '4200200c 00000008 0000000000000001', 'bad-type'],
  ['bytes behind the root', '42002001 00000000 00', 'trailing-bytes'],
  ['a half header', '420020', 'truncated'],
  ['nothing', '', 'truncated'],
];

for (const [name, text, code] of refused) {
  test(`${name} is refused`, (t) => {
    t.is(t.throws(() => decode(hex(text)), { instanceOf: TtlvError }).code, code);
  });
}

test('nesting beyond the limit is refused before the stack ends', (t) => {
  let item: Item = { tag: 0x420020, type: 'Structure', value: [] };
  for (let i = 0; i < 10_000; i++) item = { tag: 0x420020, type: 'Structure', value: [item] };
  const depth = 10_000;
  const bytes = Buffer.alloc(8 * (depth + 1));
  for (let i = 0; i <= depth; i++) {
    bytes.writeUInt32BE(0x42002001, i * 8);
    bytes.writeUInt32BE((depth - i) * 8, i * 8 + 4);
  }
  t.is(t.throws(() => decode(bytes), { instanceOf: TtlvError }).code, 'too-deep');
});

test('more items than the limit are refused', (t) => {
  const count = 70_000;
  const bytes = Buffer.alloc(8 + count * 8);
  bytes.writeUInt32BE(0x42002001, 0);
  bytes.writeUInt32BE(count * 8, 4);
  for (let i = 1; i <= count; i++) bytes.writeUInt32BE(0x42002001, i * 8);
  t.is(t.throws(() => decode(bytes), { instanceOf: TtlvError }).code, 'too-many-items');
});

const tag = fc.integer({ min: 0x420000, max: 0x54ffff });
const item: fc.Memo<Item> = fc.memo((depth): fc.Arbitrary<Item> =>
  depth <= 1
    ? fc.oneof<fc.Arbitrary<Item>[]>(
        fc.record({ tag, type: fc.constant('Integer' as const), value: fc.integer() }),
        fc.record({
          tag,
          type: fc.constantFrom('Enumeration' as const, 'Interval' as const),
          value: fc.nat(0xffffffff),
        }),
        fc.record({
          tag,
          type: fc.constantFrom('LongInteger' as const, 'DateTime' as const),
          value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        }),
        fc.record({ tag, type: fc.constant('Boolean' as const), value: fc.boolean() }),
        fc.record({
          tag,
          type: fc.constant('TextString' as const),
          value: fc.string({ unit: 'grapheme' }),
        }),
        fc.record({ tag, type: fc.constant('ByteString' as const), value: bytes() }),
      )
    : fc.record({
        tag,
        type: fc.constant('Structure' as const),
        value: fc.array(item(depth - 1), { maxLength: 4 }),
      }),
);

function bytes(): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
}

test('any item comes back from its bytes', (t) => {
  fc.assert(
    fc.property(item(4), (value) => {
      t.deepEqual(encode(decode(encode(value))), encode(value));
      t.deepEqual(decode(encode(value)), value);
    }),
    { numRuns: 1000 },
  );
});

test('bytes that were changed give an item or a TtlvError, nothing else', (t) => {
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(item(4), edits, fc.nat(), (value, changes, cut) => {
      const changed = encode(value);
      for (const [at, byte] of changes) changed[at % changed.length] = byte;
      const short = changed.subarray(0, cut % (changed.length + 1));
      for (const input of [changed, short]) {
        try {
          decode(input);
        } catch (error) {
          if (!(error instanceof TtlvError)) throw error;
        }
      }
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

test('frames are the same however the stream is cut', (t) => {
  const message = (value: Item): Buffer =>
    encode({ tag: 0x420078, type: 'Structure', value: [value] });
  const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(fc.array(item(3), { maxLength: 5 }), cuts, (values, sizes) => {
      const whole = values.map(message);
      let stream = Buffer.concat(whole);
      const reader = new FrameReader(0x420078, 1 << 20);
      const found: Buffer[] = [];
      for (let i = 0; stream.length > 0; i++) {
        const size = sizes[i % sizes.length] ?? 1;
        found.push(...reader.push(stream.subarray(0, size)));
        stream = stream.subarray(size);
      }
      t.deepEqual(found, whole);
      t.false(reader.pending);
    }),
    { numRuns: 300 },
  );
});

test('a frame over the limit and a stream of something else are refused at their header', (t) => {
  const long = new FrameReader(0x420078, 1024);
  t.is(
    t.throws(() => long.push(hex('42007801 80000000')), { instanceOf: TtlvError }).code,
    'too-large',
  );
  const other = new FrameReader(0x420078, 1024);
  const http = Buffer.from('GET / HTTP/1.1\r\n\r\n');
  t.is(t.throws(() => other.push(http), { instanceOf: TtlvError }).code, 'unexpected-item');
});
