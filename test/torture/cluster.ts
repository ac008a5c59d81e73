import type { Key, Ledger } from './ledger.ts';
import { pause } from './node.ts';
import type { Provider } from './provider.ts';

const vcenter = '127.0.4.1';
const hosts = 8;
const stormHosts = 64;
const againMilliseconds = 2_000;
const stormMilliseconds = 180_000;

/**
 * A vSAN cluster (E7 to E9): one key that all of it is encrypted under and one for the hosts' own
 * dumps, which each host fetches for itself, under one certificate and from an address of its own.
 */
export class VsanCluster {
  readonly #provider: Provider;
  readonly #ledger: Ledger;
  #keys: Key[] = [];

  constructor(provider: Provider, ledger: Ledger) {
    this.#provider = provider;
    this.#ledger = ledger;
  }

  /** E7 and E8: vCenter makes new keys, and every host comes for them. The old ones stay. */
  async rekey(): Promise<void> {
    const keys: Key[] = [];
    for (const component of ['Host', 'Cluster']) {
      keys.push(await this.#provider.make(vcenter, component));
    }
    this.#keys = keys;
    await this.#all(hosts, 'after a new key');
  }

  /** E9: after a power cut every host asks at once, while the nodes start, until it is answered. */
  storm(): Promise<void> {
    return this.#all(stormHosts, 'in a storm');
  }

  async #all(count: number, when: string): Promise<void> {
    const end = performance.now() + stormMilliseconds;
    const answered = await Promise.all(
      Array.from({ length: count }, (_, i) => this.#host(`127.5.0.${i + 1}`, end)),
    );
    const left = answered.filter((each) => !each).length;
    if (left > 0) this.#ledger.wrongs.push(`${left} of ${count} hosts had no keys ${when}`);
  }

  /** Each key on a connection of its own. */
  async #host(source: string, end: number): Promise<boolean> {
    for (const key of this.#keys) {
      while (!(await this.#provider.fetch(key, source))) {
        if (performance.now() > end) return false;
        await pause(againMilliseconds);
      }
    }
    return true;
  }
}
