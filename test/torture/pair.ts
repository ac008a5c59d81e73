import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildFaultySystem } from '../harness/faulty-system.ts';
import type { Ended } from '../harness/appliance.ts';
import { Place, waitFor } from './node.ts';

export type Policy = readonly ['refuse'] | readonly ['alone-for', string];

interface Invitation {
  readonly code: string;
  readonly addresses: readonly string[];
}

/** Two places with a node each, and what persons do there. */
export class TorturedPair {
  readonly a: Place;
  readonly b: Place;
  /** The client that every node lets in. */
  readonly credentials: { readonly cert: Buffer; readonly key: Buffer };
  readonly shares: readonly string[];

  private constructor(a: Place, b: Place, folder: string) {
    this.a = a;
    this.b = b;
    this.credentials = { cert: a.file('client', 'cert.pem'), key: a.file('client', 'key.pem') };
    mkdirSync(join(folder, 'shares'));
    this.shares = a.shares(join(folder, 'shares'));
  }

  /** One node with a software TPM, one with SoftHSM, paired. */
  static async start(folder: string): Promise<TorturedPair> {
    const library = buildFaultySystem(folder);
    const common = { folder, library };
    const first = { name: 'a', token: 'tpm', host: '127.0.0.1', mounted: false } as const;
    const second = { name: 'b', token: 'softhsm', host: '127.0.0.2', mounted: true } as const;
    const a = await Place.open({ ...common, ...first });
    const b = await Place.open({ ...common, ...second });
    await Promise.all([a.start(), b.start({ fresh: true })]);
    const pair = new TorturedPair(a, b, folder);
    await pair.#join(a, b, await json<Invitation>(a, 'peer', 'invite', '--no-wait'));
    await pair.converged();
    return pair;
  }

  get places(): readonly [Place, Place] {
    return [this.a, this.b];
  }

  other(place: Place): Place {
    return place === this.a ? this.b : this.a;
  }

  async setPolicy(policy: Policy): Promise<void> {
    await json(this.a, 'peer', 'policy', ...policy);
    await this.converged();
  }

  /** What persons do when a node is lost for good: another one takes its place. */
  async replace(lost: Place): Promise<void> {
    const left = this.other(lost);
    const before = lost.node;
    lost.loseEverything();
    const invited = await json<Invitation>(left, 'peer', 'replace', before, '--no-wait');
    await lost.start({ fresh: true });
    await this.#join(left, lost, invited);
  }

  /**
   * Waits until both say that the other one is there and has all; gives how long that took. An
   * empty node takes its time, and gets it while it comes nearer.
   */
  async converged(milliseconds = 120_000): Promise<number> {
    const since = performance.now();
    for (let lag = Infinity; ;) {
      try {
        await waitFor('both nodes have the same', () => this.#isWhole(), milliseconds);
        return performance.now() - since;
      } catch (error) {
        const left = await this.#lag();
        if (left < lag) {
          lag = left;
          continue;
        }
        const said = await Promise.all(this.places.map((place) => this.#described(place)));
        throw new Error(said.join('\n'), { cause: error });
      }
    }
  }

  /** Records that one node has and the other one lacks, as far as either says so. */
  async #lag(): Promise<number> {
    const said = await Promise.allSettled(this.places.map(({ admin }) => admin.peers()));
    return said
      .flatMap((each) => (each.status === 'fulfilled' ? each.value.peers : []))
      .reduce((sum, { lag }) => sum + lag, 0);
  }

  async stop(): Promise<void> {
    for (const place of this.places) place.signal(['server', 'keeper', 'token'], 'SIGCONT');
    await Promise.all(this.places.map((place) => place.stop()));
    await Promise.all(this.places.map((place) => place.proxy.close()));
    for (const place of this.places) place.unmount();
  }

  /** What a node says of itself, and its last words, for whoever looks why it does not heal. */
  async #described(place: Place): Promise<string> {
    const { admin, node } = place;
    const said = await Promise.allSettled([admin.status(), admin.peers()]);
    const views = said.map((view) => (view.status === 'fulfilled' ? view.value : `${view.reason}`));
    const words = ['server', 'keeper'].map((role) =>
      place.file('log', `${role}.log`).toString().trimEnd().split('\n').slice(-30).join('\n'),
    );
    return [`${node}: ${JSON.stringify(views)}`, ...words].join('\n');
  }

  async #isWhole(): Promise<boolean> {
    const said = await Promise.all(
      this.places.map(({ admin }) => admin.peers().catch(() => undefined)),
    );
    return said.every((view) => {
      const [peer] = view?.peers ?? [];
      return peer?.state === 'present' && peer.lag === 0 && peer.lacking === 0;
    });
  }

  async #join(host: Place, guest: Place, { code, addresses }: Invitation): Promise<void> {
    const address = addresses[0] ?? '';
    const joining = guest.appliance.twinlock('peer', 'join', address, code, '--yes', '--json');
    const ended: Ended[] = [];
    void joining.then((end) => ended.push(end));
    await waitFor('words are compared', async () => {
      if (ended[0] !== undefined) throw new Error(ended[0].stderr);
      return (await host.admin.pairing().catch(() => undefined))?.state === 'comparing';
    });
    const confirmed = await host.appliance.twinlock('peer', 'confirm', '--yes');
    if (confirmed.code !== 0) throw new Error(confirmed.stderr);
    const joined = await joining;
    if (joined.code !== 0) throw new Error(joined.stderr);
    guest.down = false;
  }
}

export async function json<T>(place: Place, ...parameters: string[]): Promise<T> {
  const { code, stdout, stderr } = await place.appliance.twinlock(...parameters, '--json');
  if (code !== 0) throw new Error(`${place.node}: ${parameters.join(' ')}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
