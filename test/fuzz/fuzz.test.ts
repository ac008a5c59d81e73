import test from 'ava';
import { fuzz as backup } from './target/backup.ts';
import { fuzz as dispatch } from './target/dispatch.ts';
import { fuzz as message } from './target/message.ts';
import { fuzz as replication } from './target/replication.ts';
import { fuzz as ttlv } from './target/ttlv.ts';
import { seedsOf } from './seed.ts';

/**
 * What `npm run fuzz` throws at the readers, without its fuzzer: where it begins, each of that cut
 * short and with a byte changed. What it found stands in the test of what it found it in.
 */
const targets = { ttlv, message, dispatch, replication, backup };

/** Every so many bytes one is changed, so that each seed gives about this many inputs. */
const changesEach = 40;

function* around(seed: Buffer): Generator<Buffer> {
  yield seed;
  const step = Math.max(1, Math.floor(seed.length / changesEach));
  for (let at = 0; at < seed.length; at += step) {
    yield seed.subarray(0, at);
    for (const value of [0x00, 0x7f, 0xff]) {
      const changed = Buffer.from(seed);
      changed[at] = value;
      yield changed;
    }
  }
}

for (const [name, fuzz] of Object.entries(targets)) {
  test(`${name}: what is given to it is read or refused, and nothing else`, async (t) => {
    t.timeout(120_000);
    let tried = 0;
    for (const seed of seedsOf(name as keyof typeof targets).slice(0, 40)) {
      for (const input of around(seed)) {
        await fuzz(input);
        tried++;
      }
    }
    t.true(tried > 300);
  });
}
