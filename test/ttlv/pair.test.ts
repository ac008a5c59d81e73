import test from 'ava';
import { join } from 'node:path';
import { decode } from '../../appliance/ttlv/decode.ts';
import { encode } from '../../appliance/ttlv/encode.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { kmipData, noData, textFiles } from '../harness/kmip-data.ts';
import { messagesFromXml } from '../harness/xml-item.ts';

const data = kmipData();
const testOfData = data === undefined ? test.skip : test;
if (data === undefined) console.log(`skipped: ${noData}`);

for (const version of ['v1.0', 'v1.4']) {
  testOfData(`every message of the ${version} cases decodes and encodes to the same bytes`, (t) => {
    const files = textFiles(join(data ?? '', 'ttlv-pairs', version, 'hex'));
    t.true(files.size > 100);
    for (const [name, text] of files) {
      const bytes = Buffer.from(text.replace(/\s/g, ''), 'hex');
      t.deepEqual(encode(decode(bytes)), bytes, name);
    }
  });

  testOfData(`the XML of the ${version} cases says the same as their bytes, by our tables`, (t) => {
    const folder = join(data ?? '', 'ttlv-pairs', version);
    const hex = textFiles(join(folder, 'hex'));
    let compared = 0;
    for (const [name, text] of textFiles(join(folder, 'xml'))) {
      const counts = { req: 0, rsp: 0 };
      for (const item of messagesFromXml(text)) {
        const side = item.tag === Tag.RequestMessage ? 'req' : 'rsp';
        const number = String(counts[side]++).padStart(2, '0');
        const file = name.replace(/xml$/, `${number}.${side}.hex`);
        const bytes = hex.get(file) ?? '';
        t.is(encode(item).toString('hex'), bytes.replace(/\s/g, '').toLowerCase(), file);
        compared++;
      }
    }
    t.is(compared, hex.size);
  });
}

testOfData('the messages of the OASIS use cases decode and encode to the same bytes', (t) => {
  for (const folder of ['request', 'response']) {
    for (const [name, text] of textFiles(join(data ?? '', 'nlnet-usecases', folder))) {
      const bytes = Buffer.from(text.replace(/[^\da-fA-F]/g, ''), 'hex');
      t.deepEqual(encode(decode(bytes)), bytes, name);
    }
  }
});
