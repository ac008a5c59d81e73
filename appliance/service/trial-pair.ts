import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { PairingCandidate } from '../keeper-client/pairing.ts';
import { hostAndPort } from './configuration.ts';
import { Stop } from './exit.ts';
import { TrialNode } from './trial-node.ts';
import type { TrialNodeOptions } from './trial-node.ts';

export interface StartedNode {
  readonly state: string;
  readonly endpoint: string;
}

const pollMilliseconds = 100;

/**
 * Two complete nodes with tokens of their own, paired: state/a and state/b. The second one serves
 * the same port at the next address of the loopback net.
 */
export class TrialPair {
  readonly #options: TrialNodeOptions;
  #nodes: TrialNode[] = [];

  constructor(options: TrialNodeOptions) {
    this.#options = options;
  }

  async start(): Promise<[StartedNode, StartedNode]> {
    const { listen, https, state } = this.#options;
    const { host, port } = hostAndPort(listen);
    const [stateA, stateB] = [join(state, 'a'), join(state, 'b')];
    const other = nextAddress(host);
    const a = new TrialNode({
      ...this.#options,
      state: stateA,
      peer: { listen: `${host}:${await peerPort(stateA, host, port)}`, name: 'a' },
    });
    this.#nodes = [a];
    const first = await a.start();
    const b = new TrialNode({
      ...this.#options,
      state: stateB,
      listen: `${other}:${port}`,
      https: https === undefined ? https : `${other}:${hostAndPort(https).port}`,
      peer: { listen: `${other}:${await peerPort(stateB, other, port)}`, name: 'b' },
    });
    this.#nodes = [a, b];
    if (await b.startNew()) await pairUp(a, b);
    const second = await b.serving();
    return [
      { state: stateA, endpoint: first },
      { state: stateB, endpoint: second },
    ];
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }
}

/** What two persons do, one at each node; here one program compares the words. */
async function pairUp(a: TrialNode, b: TrialNode): Promise<void> {
  const [here, there] = [a.console(), b.console()];
  try {
    await reached(b);
    // A pairing that was cut short: the new node begins anew, and what it was given is withdrawn.
    const { peers } = await a.admin().peers();
    for (const { node } of peers) {
      await a.admin().removePeer(node);
      await here.removePeer(node);
    }
    const root = await there.prepareJoin('twinlock root b');
    const { code, addresses } = await a.admin().invite();
    await b.admin().join({ address: addresses[0] ?? '', code, root });
    const words = async (console: typeof here): Promise<readonly string[]> => {
      for (;;) {
        const candidate: PairingCandidate | undefined = await console.candidate();
        if (candidate !== undefined) return candidate.words;
        await pause();
      }
    };
    const [mine, theirs] = [await words(here), await words(there)];
    if (mine.join() !== theirs.join()) {
      throw new Stop('failed', 'the two nodes show different words', 'who is in between?');
    }
    await here.confirmPairing(mine);
    await there.confirmPairing(theirs);
    for (;;) {
      const { state, message } = await a.admin().pairing();
      if (state === 'joined') return;
      if (state === 'failed')
        throw new Stop('failed', message ?? 'not paired', 'see log/server.log');
      await pause();
    }
  } finally {
    here.close();
    there.close();
  }
}

/** Waits until a server's admin API answers. */
async function reached(node: TrialNode): Promise<void> {
  const answers = (): Promise<boolean> =>
    node
      .admin()
      .status()
      .then(
        () => true,
        () => false,
      );
  while (!(await answers())) await pause();
}

function nextAddress(host: string): string {
  const parts = host.split('.').map(Number);
  const last = parts[3] ?? Number.NaN;
  if (parts.length !== 4 || !(last >= 0 && last < 255)) {
    const hint = 'give --listen an IPv4 address of this machine, as 127.0.0.1:5696';
    throw new Stop('usage', 'a pair needs two addresses', hint);
  }
  return [...parts.slice(0, 3), last + 1].join('.');
}

/** One above the KMIP port, or a free one where any was asked for; the same at the next start. */
async function peerPort(state: string, host: string, kmip: number): Promise<number> {
  const path = join(state, 'peer-port');
  if (existsSync(path)) return Number(readFileSync(path, 'utf8'));
  const port = kmip === 0 ? await freePort(host) : kmip + 1;
  mkdirSync(state, { recursive: true, mode: 0o700 });
  writeFileSync(path, `${port}\n`);
  return port;
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, host, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
}
