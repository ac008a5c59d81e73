import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { clockOffset } from '../../appliance/setup/time-server.ts';

const ntpEpoch = 2_208_988_800;
const now = (): number => 1_764_000_000;

/** A server on loopback that answers each packet with what `answer` makes of it. */
function server(t: ExecutionContext, answer: (request: Buffer) => Buffer): Promise<number> {
  const socket: Socket = createSocket('udp4');
  t.teardown(() => socket.close());
  socket.on('message', (request, { port, address }) => {
    socket.send(answer(request), port, address);
  });
  return new Promise((resolve) => {
    socket.bind(0, '127.0.0.1', () => {
      resolve(socket.address().port);
    });
  });
}

function packet(seconds: number, { stratum = 2, mode = 4 } = {}): Buffer {
  const bytes = Buffer.alloc(48);
  bytes[0] = (4 << 3) | mode;
  bytes[1] = stratum;
  for (const offset of [32, 40]) {
    bytes.writeUInt32BE(Math.floor(seconds) + ntpEpoch, offset);
    bytes.writeUInt32BE(Math.round((seconds % 1) * 2 ** 32), offset + 4);
  }
  return bytes;
}

const ask = (port: number): Promise<number> =>
  clockOffset('127.0.0.1', { now, patience: 10_000, port });

test('the offset is what the server is ahead of this clock', async (t) => {
  t.is(await ask(await server(t, () => packet(now() + 2.5))), 2.5);
  t.is(await ask(await server(t, () => packet(now() - 3600))), -3600);
});

test('a request is NTP version 4 from a client, and nothing of this box is in it', async (t) => {
  const port = await server(t, (request) => {
    t.is(request.length, 48);
    t.is(request[0], 0x23);
    t.true(request.subarray(1).every((byte) => byte === 0));
    return packet(now());
  });
  t.is(await ask(port), 0);
});

test('an answer that is none, or of a server that does not know, is refused', async (t) => {
  const refused = async (answer: Buffer, message: RegExp): Promise<void> => {
    await t.throwsAsync(ask(await server(t, () => answer)), { message });
  };
  await refused(Buffer.from('hello'), /does not speak NTP/);
  await refused(packet(now(), { mode: 3 }), /does not speak NTP/);
  await refused(packet(now(), { stratum: 0 }), /does not know the time/);
});
