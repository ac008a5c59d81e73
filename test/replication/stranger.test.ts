import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { errandProtocol } from '../../appliance/replication/errand.ts';
import { peerTls } from '../../appliance/replication/peer-tls.ts';
import { WaitingRoom } from '../../appliance/replication/waiting-room.ts';
import { makeKey, secretOf, testCluster } from '../harness/replica.ts';
import { Twin, twins, until } from '../harness/twin.ts';

/** More than that no node lets wait, whoever they are. */
const waitingMost = 64;

/** Holds connections of every kind to a node, and comes again as soon as one is cut. */
class Crowd {
  held = 0;
  cut = 0;
  #gone = false;
  readonly #sockets = new Set<Socket>();
  readonly #node: Twin;
  readonly #identity: Twin;

  constructor(t: ExecutionContext, node: Twin, size: number) {
    this.#node = node;
    this.#identity = new Twin(t, testCluster());
    for (let i = 0; i < size; i++) this.#come(i);
    t.teardown(() => {
      this.leave();
    });
  }

  leave(): void {
    this.#gone = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #come(number: number): void {
    // Some from the peer's own address, the others from twenty more.
    const localAddress = `127.0.0.${number % 3 === 0 ? 1 : 10 + (number % 20)}`;
    const where = { host: '127.0.0.1', port: this.#node.port, localAddress };
    const tls = { ...where, ...peerTls(this.#identity), ALPNProtocols: [errandProtocol] };
    const socket = number % 2 === 0 ? connectTcp(where) : connect(tls);
    this.#sockets.add(socket);
    let stood = false;
    socket.on(number % 2 === 0 ? 'connect' : 'secureConnect', () => {
      stood = true;
      this.held++;
    });
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (stood) this.held--;
      this.cut++;
      setImmediate(() => {
        if (!this.#gone) this.#come(number);
      });
    });
  }
}

test('strangers who hold all connections that they get do not keep the peer out', async (t) => {
  const { one, two } = await twins(t);
  const ended = (): number => one.said.filter((text) => text.endsWith('peer ended')).length;
  const atFirst = ended();
  const crowds = [one, two].map((twin) => new Crowd(t, twin, 80));
  await until(() => crowds.every(({ held, cut }) => held >= waitingMost / 2 && cut > 100));
  // Who is in stays in, whatever else comes.
  t.is(ended(), atFirst);
  for (let again = 0; again < 3; again++) {
    const before = ended();
    for (const { proxy } of [one, two]) proxy.reset();
    await until(() => ended() > before);
    await until(() => one.carrier.present && two.carrier.present);
  }
  const id = await makeKey(one.keystore, Buffer.alloc(32, 3));
  t.deepEqual(await secretOf(two.keystore, id), Buffer.alloc(32, 3));
  for (const crowd of crowds) {
    await until(() => crowd.held <= waitingMost);
    crowd.leave();
  }
});

test('who says nothing is cut off after a while, in a handshake and behind it', async (t) => {
  const { one } = await twins(t);
  const stranger = new Twin(t, testCluster());
  const where = { host: '127.0.0.1', port: one.port };
  const ends = (socket: Socket): Promise<void> =>
    new Promise((resolve) => {
      socket.on('error', () => {});
      socket.resume().on('close', () => {
        resolve();
      });
    });
  await ends(connectTcp(where));
  await ends(connect({ ...where, ...peerTls(stranger) }));
  t.true(one.carrier.present);
});

test('of those who wait the oldest of the largest source goes, for one more', (t) => {
  const room = new WaitingRoom();
  const gone: string[] = [];
  const enter = (source: string, name: string): (() => void) =>
    room.enter(source, () => void gone.push(name));
  const peer = enter('peer', 'peer 1');
  for (let i = 1; i <= 9; i++) enter('loud', `loud ${i}`);
  t.deepEqual(gone, ['loud 1']);
  // So many sources that all is taken: who has one connection keeps it.
  for (let source = 1; source <= 27; source++) {
    for (const half of ['a', 'b']) enter(`source ${source}`, `${source} ${half}`);
  }
  t.is(room.size, 63);
  enter('peer', 'peer 2');
  enter('peer', 'peer 3');
  t.deepEqual(gone, ['loud 1', 'loud 2']);
  peer();
  t.is(room.size, 63);
});

test('two nodes agree on the hybrid group, and nothing but TLS 1.3', async (t) => {
  const { one, two } = await twins(t);
  const { key, certificate } = two;
  const agreed = (options: object): Promise<{ group: unknown; version: unknown }> =>
    new Promise((resolve, reject) => {
      const where = { host: '127.0.0.1', port: one.port };
      const socket = connect({ ...where, ...peerTls({ key, certificate }), ...options });
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        const { name } = socket.getEphemeralKeyInfo() as { name?: string };
        resolve({ group: name, version: socket.getProtocol() });
        socket.destroy();
      });
    });
  t.deepEqual(await agreed({}), { group: 'X25519MLKEM768', version: 'TLSv1.3' });
  // A version that has no hybrid group is let in all the same.
  t.deepEqual(await agreed({ ecdhCurve: 'X25519' }), { group: 'X25519', version: 'TLSv1.3' });
  await t.throwsAsync(agreed({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }));
});
