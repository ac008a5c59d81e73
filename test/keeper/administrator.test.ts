import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Administrator } from '../../appliance/keeper/administrator.ts';

const right = (): Buffer => Buffer.from('correct horse battery staple');
const none = Buffer.alloc(0);

function fresh(): { administrator: Administrator; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'twinlock-administrator-'));
  return { administrator: new Administrator(folder, randomBytes), folder };
}

test('before a passphrase was set none is right', async (t) => {
  const { administrator } = fresh();
  t.false(administrator.isSet);
  await t.throwsAsync(administrator.check(right()), { code: 'passphrase-wrong' });
});

test('the passphrase is right after a restart too, and no other one is', async (t) => {
  const { administrator, folder } = fresh();
  await administrator.set(right(), none);
  const again = new Administrator(folder, randomBytes);
  t.true(again.isSet);
  await t.notThrowsAsync(again.check(right()));
  for (const wrong of ['', 'correct horse battery stapl', 'correct horse battery staple ']) {
    await t.throwsAsync(again.check(Buffer.from(wrong)), { code: 'passphrase-wrong' });
  }
});

test('a new passphrase takes the old one, and ends it', async (t) => {
  const { administrator } = fresh();
  await administrator.set(right(), none);
  const next = (): Buffer => Buffer.from('another passphrase');
  const refused = { code: 'passphrase-wrong' };
  await t.throwsAsync(administrator.set(next(), none), refused);
  await t.throwsAsync(administrator.set(next(), Buffer.from('a wrong old one')), refused);
  await administrator.set(next(), right());
  await t.notThrowsAsync(administrator.check(next()));
  await t.throwsAsync(administrator.check(right()), refused);
});

test('a short passphrase is refused, and the old one stays', async (t) => {
  const { administrator } = fresh();
  await administrator.set(right(), none);
  const short = Buffer.from('fourteen chars');
  await t.throwsAsync(administrator.set(short, right()), { code: 'passphrase-short' });
  await t.notThrowsAsync(administrator.check(right()));
});

test('what was typed is overwritten, and the file holds none of it', async (t) => {
  const { administrator, folder } = fresh();
  const typed = right();
  await administrator.set(typed, none);
  t.deepEqual(typed, Buffer.alloc(typed.length));
  t.false(readFileSync(join(folder, 'administrator.json')).includes('horse'));
  const guess = right();
  await administrator.check(guess);
  t.deepEqual(guess, Buffer.alloc(guess.length));
});

test('a damaged file opens to nobody', async (t) => {
  const { administrator, folder } = fresh();
  await administrator.set(right(), none);
  const path = join(folder, 'administrator.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/"tag":"[^"]*"/, '"tag":""'));
  await t.throwsAsync(administrator.check(right()));
  writeFileSync(path, '{}');
  await t.throwsAsync(administrator.check(right()));
});
