import { createDecipheriv, createSecretKey } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readSlot } from '../../appliance/keeper/slot.ts';
import type { Slot } from '../../appliance/keeper/slot.ts';
import { TokenClient } from '../../appliance/token/client.ts';
import { startAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { bytes, enumeration, integer, structure, text } from '../harness/vcenter.ts';
import type { Wire } from '../harness/vcenter.ts';

const pattern = Buffer.from('pattern-that-no-file-may-ever-show', 'latin1').subarray(0, 32);

function register(key: Buffer): Wire {
  const attribute = structure(
    0x420008,
    text(0x42000a, 'Cryptographic Usage Mask'),
    integer(0x42000b, 12),
  );
  const block = structure(
    0x420040,
    enumeration(0x420042, 1),
    structure(0x420045, bytes(0x420043, key)),
    enumeration(0x420028, 3),
    integer(0x42002a, 256),
  );
  const payload = [
    enumeration(0x420057, 2),
    structure(0x420091, attribute),
    structure(0x42008f, block),
  ];
  return { operation: 0x03, payload: Buffer.concat(payload) };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** How often bytes stand in all memory that a process can write. */
function countInMemory(pid: number, wanted: Buffer): number {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  let count = 0;
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const range = /^([\da-f]+)-([\da-f]+) rw/.exec(line);
    if (range === null) continue;
    const start = Number.parseInt(range[1] ?? '', 16);
    const chunk = Buffer.alloc(Number.parseInt(range[2] ?? '', 16) - start);
    try {
      readSync(memory, chunk, 0, chunk.length, start);
    } catch {
      continue;
    }
    for (let at = chunk.indexOf(wanted); at >= 0; at = chunk.indexOf(wanted, at + 1)) count++;
  }
  closeSync(memory);
  return count;
}

test('no key lies on the disk, no wrapping key in the server or a sealed keeper', async (t) => {
  t.timeout(120_000);
  const appliance = await startAppliance(t, { token: 'tpm' });
  const client = new KmipClient(appliance);
  for (let i = 0; i < 20; i++) await client.send(register(pattern));
  const { keys } = JSON.parse((await appliance.twinlock('key', 'list', '--json')).stdout) as {
    keys: { id: string }[];
  };
  for (const { id } of keys) t.is(await client.get(id), pattern.toString('hex'));
  const forms = [
    pattern,
    Buffer.from(pattern.toString('hex')),
    Buffer.from(pattern.toString('base64').slice(0, 40)),
  ];
  const files = filesBelow(appliance.state).filter((path) => statSync(path).size > 0);
  t.true(files.some((path) => path.endsWith('keystore.db-wal')));
  t.true(files.some((path) => path.endsWith('server.log')));
  const found = files.filter((path) => forms.some((form) => readFileSync(path).includes(form)));
  t.deepEqual(found, []);

  // The wrapping key, as an auditor with the token and its PIN comes to it.
  const { table } = JSON.parse(appliance.read('keeper', 'slots.a')) as { table: { slots: Slot[] } };
  const [slot] = table.slots;
  if (slot === undefined) throw new Error('no slot');
  const path = appliance.file('run', 'token.sock');
  const token = new TokenClient({ path, deadline: 30_000, kill: () => {} });
  const ciphertext = Buffer.from(slot.ciphertext, 'base64');
  const opened = await token.decrypt(Buffer.from(slot.keyId, 'hex'), slot.hash, ciphertext);
  token.close();
  const wrappingKey = readSlot(slot, opened);
  if (wrappingKey === undefined) throw new Error('not a slot of ours');
  // It is the right one: it opens a sealed file of the server's.
  const sealed = readFileSync(appliance.file('server', 'sealed', 'page-key.sealed'));
  const decipher = createDecipheriv(
    'aes-256-gcm',
    createSecretKey(wrappingKey),
    sealed.subarray(17, 29),
  );
  const { cluster } = JSON.parse((await appliance.twinlock('status', '--json')).stdout) as {
    cluster: string;
  };
  decipher.setAAD(Buffer.from(JSON.stringify(['twinlock secret 1', cluster, 'page-key'])));
  decipher.setAAD(sealed.subarray(1, 17));
  decipher.setAuthTag(sealed.subarray(-16));
  const pageKey = Buffer.concat([decipher.update(sealed.subarray(29, -16)), decipher.final()]);
  t.is(pageKey.length, 32);

  const [server] = appliance.processes('server');
  const [keeper] = appliance.processes('keeper');
  t.is(countInMemory(server ?? 0, wrappingKey), 0);
  // The same search finds it where it has to be.
  t.true(countInMemory(keeper ?? 0, wrappingKey) > 0);
  t.is((await appliance.twinlock('seal')).code, 0);
  t.is(countInMemory(keeper ?? 0, wrappingKey), 0, 'sealed: wiped at once');
  t.log(`copies of a fetched key in the idle server: ${countInMemory(server ?? 0, pattern)}`);
  client.end();
});
