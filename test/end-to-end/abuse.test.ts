import { readFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { AdminClient } from '../../appliance/admin/client.ts';
import { command, startAppliance, until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { readAnswer, request, wire, Wires } from '../harness/vcenter.ts';

/** What memory may be more by after the same abuse again: the collector's own ups and downs. */
const slack = 48 << 20;

const residentBytes = (appliance: RunningAppliance): number => {
  const [pid = 0] = appliance.processes('server');
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
};

const filesOf = (appliance: RunningAppliance, name: string): ConnectionOptions => ({
  ...{ host: appliance.host, port: appliance.port, rejectUnauthorized: false },
  cert: appliance.read(name, 'cert.pem'),
  key: appliance.read(name, 'key.pem'),
});

const connections = async (appliance: RunningAppliance): Promise<number> => {
  const admin = new AdminClient(appliance.file('run', 'admin.sock'));
  return (await admin.status()).connections;
};

/**
 * Does something to the appliance while a client that is let in fetches its key, on a connection
 * that it keeps and on new ones: each time it has its key.
 */
async function besideKnown(
  t: ExecutionContext,
  appliance: RunningAppliance,
  abuse: () => Promise<void>,
): Promise<void> {
  const kept = new KmipClient(appliance);
  const id = await kept.create();
  const key = await kept.get(id);
  let fetched = 0;
  const over = new AbortController();
  const known = (async () => {
    while (!over.signal.aborted) {
      const fresh = new KmipClient(appliance);
      t.is(await kept.get(id), key);
      t.is(await fresh.get(id), key);
      fresh.end();
      fetched++;
    }
  })();
  try {
    await abuse();
  } finally {
    over.abort();
    await known;
    kept.end();
  }
  t.true(fetched > 1, `fetched ${fetched} times`);
}

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.on('error', () => {});
    if (socket.destroyed) resolve();
    else {
      socket.once('close', () => {
        resolve();
      });
    }
    socket.resume();
  });

/** The first flight of a client that then says nothing more. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const nowhere = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _encoding, done) => {
        resolve(chunk);
        done();
      },
    });
    connect({ socket: nowhere }).on('error', () => {});
  });
}

/** So many at once, until all are done. */
async function inGroups(count: number, size: number, act: () => Promise<void>): Promise<void> {
  for (let done = 0; done < count; done += size) {
    await Promise.all(Array.from({ length: size }, act));
  }
}

test('2,000 idle connections and 500 half-open ones keep nobody out', async (t) => {
  t.timeout(240_000);
  const appliance = await startAppliance(t, { clients: 2 });
  const hello = await clientHello();
  const options = filesOf(appliance, 'client2');
  const round = async (idle: number, half: number): Promise<void> => {
    const silent: Wires[] = [];
    await inGroups(idle, 20, async () => {
      const wires = new Wires(options);
      t.true(await wires.ready());
      silent.push(wires);
    });
    t.true((await connections(appliance)) >= idle);
    const halves = Array.from({ length: half }, (_, i) => {
      const socket = connectPlain({ host: appliance.host, port: appliance.port });
      if (i % 2 === 0) socket.write(hello.subarray(0, hello.length / 2));
      return closed(socket);
    });
    // It is the server that ends them.
    await Promise.all(halves);
    for (const { socket } of silent) socket.destroy();
    await until('they are given up', async () => (await connections(appliance)) < 10);
  };
  await besideKnown(t, appliance, async () => {
    await round(2_000, 500);
    const before = residentBytes(appliance);
    await round(500, 500);
    const grown = residentBytes(appliance) - before;
    t.true(grown < slack, `grown by ${grown} bytes`);
  });
  t.notRegex(appliance.read('log', 'server.log'), /"level":"(warn|error)"/);
});

test('who sends a byte now and then, or never reads an answer, is cut off', async (t) => {
  t.timeout(240_000);
  const appliance = await startAppliance(t, { clients: 2 });
  const options = filesOf(appliance, 'client2');
  const message = request([wire.create(), wire.create(), wire.create()]);
  await besideKnown(t, appliance, async () => {
    const slow = Array.from({ length: 100 }, () => new Wires(options));
    t.true((await Promise.all(slow.map((each) => each.ready()))).every(Boolean));
    let at = 0;
    const dripping = setInterval(() => {
      at++;
      for (const { socket } of slow) socket.write(message.subarray(at - 1, at));
    }, 500);
    const deaf = await notReading(options);
    const before = residentBytes(appliance);
    const ended = Promise.all(slow.map(({ socket }) => closed(socket)));
    await until('nobody of them is left', async () => (await connections(appliance)) < 10, 90_000);
    await ended;
    clearInterval(dripping);
    t.true(at < message.length, 'cut off amid the message');
    const grown = residentBytes(appliance) - before;
    // Nothing was warm before; all answers together would be a hundred and fifty MiB.
    t.true(grown < 2 * slack, `grown by ${grown} bytes`);
    deaf.destroy();
  });
});

/** A client that asks until nobody takes its requests any more, and reads no answer. */
async function notReading(options: ConnectionOptions): Promise<TLSSocket> {
  const wires = new Wires(options);
  await wires.ready();
  wires.socket.pause();
  const many = Buffer.concat(Array.from({ length: 64 }, () => request([wire.query(1)])));
  for (let i = 0; i < 2_000; i++) wires.socket.write(many);
  return wires.socket;
}

test('floods of handshakes that lead nowhere keep nobody out', async (t) => {
  t.timeout(240_000);
  const appliance = await startAppliance(t, { clients: 2 });
  const folder = appliance.file('stranger');
  await command('mkdir', [folder]);
  const made = await command('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-days', '30', '-subj', '/CN=stranger'],
    ...['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
  ]);
  t.is(made.code, 0, made.stderr);
  const strange = filesOf(appliance, 'stranger');
  const flood = (count: number): Promise<void> =>
    inGroups(count, 25, async () => {
      const wires = new Wires(strange);
      await wires.ready();
      await t.throwsAsync(wires.exchange(request([wire.create()])));
    });
  await besideKnown(t, appliance, async () => {
    await flood(400);
    const before = residentBytes(appliance);
    await flood(400);
    const grown = residentBytes(appliance) - before;
    t.true(grown < slack, `grown by ${grown} bytes`);
  });
});

/** Whether the other side agreed to another handshake on this connection. */
const renegotiated = (socket: TLSSocket): Promise<boolean> =>
  new Promise((resolve) => {
    void closed(socket).then(() => {
      resolve(false);
    });
    socket.renegotiate({}, (error) => {
      resolve(error === null);
    });
  });

/** A session that may be resumed: in TLS 1.3 it comes after the first answer. */
async function sessionOf(options: ConnectionOptions): Promise<Buffer> {
  const wires = new Wires(options);
  const session = new Promise<Buffer>((resolve) => wires.socket.once('session', resolve));
  await wires.exchange(request([wire.query(1)]));
  const bytes = await session;
  wires.end();
  return bytes;
}

test('renegotiation is refused, and a resumed session is its certificate’s', async (t) => {
  const appliance = await startAppliance(t, { clients: 2 });
  const options = filesOf(appliance, 'client2');
  await besideKnown(t, appliance, async () => {
    for (let i = 0; i < 20; i++) {
      const wires = new Wires({ ...options, maxVersion: 'TLSv1.2' });
      await wires.ready();
      t.false(await renegotiated(wires.socket));
    }
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const session = await sessionOf({ ...options, maxVersion });
      // Changed anywhere, it is a session that nobody knows: a full handshake, or an error here.
      for (let at = 100; at < session.length - 20; at += 150) {
        const changed = Buffer.from(session);
        changed[at] = (changed[at] ?? 0) ^ 0xff;
        try {
          new Wires({ ...options, maxVersion, session: changed }).socket.destroy();
        } catch (error) {
          t.truthy(error);
        }
      }
      // Without its certificate it is not let in, resumed or not, unless the server knows whose.
      const bare = new Wires({ ...options, cert: undefined, key: undefined, maxVersion, session });
      const answer = await bare.exchange(request([wire.query(1)])).catch(() => undefined);
      t.is(answer !== undefined, bare.socket.isSessionReused() && answer !== undefined);
      bare.socket.destroy();
    }
  });
  const sessions = await Promise.all(
    (['TLSv1.2', 'TLSv1.3'] as const).map(async (maxVersion) => ({
      ...{ ...options, maxVersion },
      session: await sessionOf({ ...options, maxVersion }),
    })),
  );
  const blocked = await appliance.twinlock('client', 'block', 'client2');
  t.is(blocked.code, 0, blocked.stderr);
  for (const resumed of sessions) {
    await t.throwsAsync(new Wires(resumed).exchange(request([wire.query(1)])));
  }
});

const locateAll = { operation: 0x08, payload: Buffer.alloc(0) };

test('who creates, locates and batches as fast as he can keeps nobody out', async (t) => {
  t.timeout(240_000);
  const appliance = await startAppliance(t, { clients: 2 });
  const options = filesOf(appliance, 'client2');
  await besideKnown(t, appliance, async () => {
    const creating = request(Array.from({ length: 16 }, () => wire.create()));
    await inGroups(8, 8, async () => {
      const wires = new Wires(options);
      for (let i = 0; i < 20; i++) {
        const { results } = await wires.exchange(creating);
        t.true(results.every(({ status }) => status === 0));
      }
      wires.end();
    });
    // All 2,560 and more, again and again: what one message lists has an end.
    const listing = new Wires(options);
    const { results } = await listing.exchange(
      request(Array.from({ length: 60 }, () => locateAll)),
    );
    t.is(results[0]?.status, 0);
    t.is(results.at(-1)?.status, 1);
    t.is(results.at(-1)?.reason, 2);
    t.true(results.length < 60);
    const message = (items: number): Buffer =>
      request(Array.from({ length: items }, () => wire.discoverVersions()));
    t.is((await listing.exchange(message(1024))).results.length, 1024);
    const over = listing.next();
    listing.socket.write(message(1025));
    const refused = readAnswer((await over) ?? Buffer.alloc(0)).results;
    t.deepEqual(
      refused.map(({ status }) => status),
      [1],
    );
    listing.socket.destroy();
  });
});
