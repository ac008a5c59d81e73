import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { startAppliance } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { integer, item, readAnswer, request, structure, wire, Wires } from '../harness/vcenter.ts';

const residentBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

function connectionOf(appliance: RunningAppliance): Wires {
  const { host, port } = appliance;
  const files = {
    cert: appliance.read('client2', 'cert.pem'),
    key: appliance.read('client2', 'key.pem'),
  };
  return new Wires({ host, port, ...files });
}

/** Sends bytes and half-closes; gives what came back before the server ended the connection. */
async function provoke(appliance: RunningAppliance, bytes: Uint8Array): Promise<Buffer> {
  const wires = connectionOf(appliance);
  const chunks: Buffer[] = [];
  wires.socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = new Promise((resolve) => wires.socket.once('close', resolve));
  wires.socket.end(bytes);
  await closed;
  return Buffer.concat(chunks);
}

/** Nothing, or KMIP responses each of which says that an operation failed. */
function isRefusal(answer: Buffer): boolean {
  if (answer.length === 0) return true;
  const length = answer.readUInt32BE(4) + 8;
  if (length > answer.length) return false;
  const { results } = readAnswer(answer.subarray(0, length));
  const refused = results.length > 0 && results.every(({ status }) => status === 1);
  return refused && isRefusal(answer.subarray(length));
}

const nested = (depth: number): Buffer => {
  let inner: Buffer = Buffer.alloc(0);
  for (let i = 0; i < depth; i++) inner = structure(0x420077, inner);
  return structure(0x420078, inner);
};

const crafted: Record<string, Buffer> = {
  'bytes that are no TTLV': Buffer.from('GET / HTTP/1.1\r\nHost: twinlock\r\n\r\n'),
  'a length of 2 GiB': Buffer.from('4200780180000000', 'hex'),
  'a length of 64 KiB and nothing behind it': Buffer.from('4200780100010000', 'hex'),
  'ten thousand levels of nesting': nested(10_000),
  'a structure longer than its parent': structure(0x420078, Buffer.from('4200770100001000', 'hex')),
  'padding that is not zero': structure(
    0x420078,
    Buffer.from('42006a02000000040000000101010101', 'hex'),
  ),
  'an Integer of three bytes': structure(0x420078, item(0x42006a, 0x02, Buffer.alloc(3))),
  'a type that does not exist': structure(0x420078, item(0x42006a, 0x0f, Buffer.alloc(4))),
  'a header of the wrong type': structure(0x420078, integer(0x420077, 1)),
  'a message of nothing': structure(0x420078),
  'another message than a request': structure(0x42007b),
  'a million empty items': structure(
    0x420078,
    Buffer.concat(Array.from({ length: 1 << 17 }, () => item(0x420079, 0x01, Buffer.alloc(0)))),
  ),
  'a batch count that lies': (() => {
    const message = request([wire.get('x')]);
    message[message.indexOf(Buffer.from('42000d02', 'hex')) + 11] = 9;
    return message;
  })(),
};

test('malformed messages are refused or cut off, and others are served on', async (t) => {
  t.timeout(240_000);
  const appliance = await startAppliance(t, { clients: 2 });
  const [server = 0] = appliance.processes('server');
  const good = new KmipClient(appliance);
  const id = await good.create();
  const key = await good.get(id);
  for (const [what, bytes] of Object.entries(crafted)) {
    t.true(isRefusal(await provoke(appliance, bytes)), what);
    t.is(await good.get(id), key, what);
  }

  const valid = request([wire.create(), wire.activate(id), wire.get(id)]);
  const spoilt = fc
    .record({
      cut: fc.integer({ min: 0, max: valid.length }),
      flips: fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 4 }),
      tail: fc.uint8Array({ maxLength: 40 }),
    })
    .map(({ cut, flips, tail }) => {
      const bytes = Buffer.concat([valid.subarray(0, cut), tail]);
      for (const [at, value] of flips) if (at < bytes.length) bytes[at] = value;
      return bytes;
    });
  const round = (seed: number, runs: number): Promise<void> =>
    fc.assert(
      fc.asyncProperty(spoilt, async (bytes) => {
        const answer = await provoke(appliance, bytes);
        if (answer.length > 0) readAnswer(answer.subarray(0, answer.readUInt32BE(4) + 8));
        return (await good.get(id)) === key;
      }),
      { numRuns: runs, seed },
    );
  await round(1, 200);
  const before = residentBytes(server);
  await round(2, 400);
  for (let i = 0; i < 20; i++) {
    for (const bytes of Object.values(crafted)) await provoke(appliance, bytes);
  }
  const grown = residentBytes(server) - before;
  t.log(`grown by ${Math.round(grown / 1024)} KiB over ${400 + 20 * 13} hostile messages`);
  t.true(grown < 64 << 20, `grown by ${grown} bytes`);
  t.deepEqual(appliance.processes('server'), [server]);
  t.is(await good.get(id), key);
});

test('a message that comes byte by byte is answered, however it is cut', async (t) => {
  const appliance = await startAppliance(t, { clients: 2 });
  const wires = connectionOf(appliance);
  await wires.ready();
  const message = request([wire.discoverVersions()], { ids: false });
  const answer = wires.next();
  for (const byte of message) {
    await new Promise((resolve) => wires.socket.write(Buffer.of(byte), resolve));
  }
  const raw = await answer;
  t.is(readAnswer(raw ?? Buffer.alloc(0)).results[0]?.status, 0);
  // Two messages in one chunk, and a third cut in the middle of its head.
  const three = Buffer.concat([message, message, message]);
  const answers = [wires.next(), wires.next(), wires.next()];
  wires.socket.write(three.subarray(0, 2 * message.length + 3));
  await answers[1];
  wires.socket.write(three.subarray(2 * message.length + 3));
  for (const each of await Promise.all(answers)) t.truthy(each);
  wires.end();
});
