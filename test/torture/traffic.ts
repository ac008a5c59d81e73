import { connect } from 'node:net';
import type { Chance } from '../simulation/chance.ts';
import { wire } from '../harness/vcenter.ts';
import type { Key, Ledger } from './ledger.ts';
import { pause } from './node.ts';
import type { Place } from './node.ts';
import type { TorturedPair } from './pair.ts';
import type { Provider } from './provider.ts';

const writers = 3;
const hosts = 8;
const readPause = 60;
const healthPause = 400;
/** Of a hundred keys so many are destroyed again. */
const destroyedOf100 = 8;

/**
 * What vCenter and the hosts of vSAN clusters do all day (E3, E10 and E12 of what is known of
 * them): the first node, and when it does not answer the second; a connection for each act; many
 * source addresses behind one certificate; health checks that never send a byte.
 */
export class Traffic {
  readonly #pair: TorturedPair;
  readonly #provider: Provider;
  readonly #ledger: Ledger;
  readonly #chance: Chance;
  readonly #running: Promise<void>[] = [];
  readonly #known: Key[] = [];
  #stopped = false;
  #held = false;
  #busy = 0;

  constructor(pair: TorturedPair, provider: Provider, ledger: Ledger, chance: Chance) {
    this.#pair = pair;
    this.#provider = provider;
    this.#ledger = ledger;
    this.#chance = chance;
  }

  start(): void {
    const { a, b } = this.#pair;
    for (let i = 0; i < writers; i++) this.#running.push(this.#write(`127.0.1.${i + 1}`));
    // Most hosts have the order that vCenter gave them; some have the other one.
    for (let i = 0; i < hosts; i++) this.#running.push(this.#read(i % 4 === 3 ? [b, a] : [a, b]));
    for (const place of this.#pair.places) this.#running.push(this.#check(place));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#held = false;
    await Promise.all(this.#running);
  }

  /** Resolves when nothing is being changed any more; reads go on. */
  async hold(): Promise<void> {
    this.#held = true;
    while (this.#busy > 0) await pause(10);
  }

  goOn(): void {
    this.#held = false;
  }

  /** Waits until so many keys more were answered. */
  async answered(more: number, milliseconds: number): Promise<boolean> {
    const wanted = this.#ledger.keys.size + more;
    const end = performance.now() + milliseconds;
    while (this.#ledger.keys.size < wanted) {
      if (performance.now() > end) return false;
      await pause(20);
    }
    return true;
  }

  async #write(source: string): Promise<void> {
    while (!this.#stopped) {
      if (this.#held) {
        await pause(10);
        continue;
      }
      this.#busy++;
      try {
        await this.#encryptMachine(source);
      } catch {
        // Not answered: nothing was promised, and vCenter shows an error to somebody.
        this.#ledger.unanswered++;
      } finally {
        this.#busy--;
      }
      await pause(20);
    }
  }

  async #encryptMachine(source: string): Promise<void> {
    const key = await this.#provider.make(source, 'Virtual Machine');
    if (this.#chance.below(100) < destroyedOf100) await this.#destroy(key, source);
    else this.#known.push(key);
  }

  /** vCenter never does this; other clients do. */
  async #destroy(key: Key, source: string): Promise<void> {
    await this.#provider.anywhere(source, 'other', async (say, { name }) => {
      key.uncertain = true;
      await say(wire.revoke(key.id, 1)).catch(() => undefined);
      await say(wire.destroy(key.id));
      key.destroyed = { place: name, at: performance.now() };
      key.uncertain = false;
    });
  }

  /** E7, E10: a host that needs a key, from an address of its own. */
  async #read(order: readonly Place[]): Promise<void> {
    while (!this.#stopped) {
      const key = this.#known[this.#chance.below(this.#known.length || 1)];
      if (key !== undefined) {
        const mark = this.#ledger.mark();
        const answered = await this.#provider.fetch(key, this.#anySource(), order);
        this.#ledger.read(answered, mark);
      }
      await pause(readPause);
    }
  }

  #anySource(): string {
    const part = (): number => 1 + this.#chance.below(250);
    return `127.${10 + this.#chance.below(200)}.${part()}.${part()}`;
  }

  /** A health check opens a connection, says nothing, and closes it. */
  async #check({ host, port }: Place): Promise<void> {
    while (!this.#stopped) {
      const socket = connect({ host, port, localAddress: '127.0.2.1' });
      socket.on('error', () => {});
      await pause(healthPause);
      socket.destroy();
    }
  }
}
