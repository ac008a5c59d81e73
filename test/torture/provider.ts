import { wire } from '../harness/vcenter.ts';
import type { Key, Ledger } from './ledger.ts';
import type { Place } from './node.ts';
import type { TorturedPair } from './pair.ts';
import { identifierIn, materialIn, Refused, stateIn, visit } from './visit.ts';
import type { Say } from './visit.ts';

/** How long a client waits for one node before it tries the other. */
const patience = { create: 6_000, other: 6_000, read: 4_000 };

/** A key provider as clients see it: two servers, the first one and then the second (E12). */
export class Provider {
  readonly #pair: TorturedPair;
  readonly #ledger: Ledger;

  constructor(pair: TorturedPair, ledger: Ledger) {
    this.#pair = pair;
    this.#ledger = ledger;
  }

  /** First one node, then the other. */
  async anywhere<T>(
    source: string,
    kind: keyof typeof patience,
    act: (say: Say, place: Place) => Promise<T>,
    order: readonly Place[] = this.#pair.places,
  ): Promise<T> {
    const { credentials } = this.#pair;
    let failure: unknown;
    for (const place of order) {
      try {
        const how = { credentials, source, milliseconds: patience[kind] };
        return await visit(place, how, (say) => act(say, place));
      } catch (error) {
        if (error instanceof Refused) this.#ledger.refused++;
        failure = error;
      }
    }
    throw failure;
  }

  /** E3: vCenter makes a key, says what it is for, fetches and activates it. */
  async make(source: string, component: string): Promise<Key> {
    const key = await this.anywhere(source, 'create', async (say, { name }) => {
      const [made] = await say(wire.create());
      return this.#ledger.created(identifierIn(made), name);
    });
    const { id } = key;
    await this.anywhere(source, 'other', async (say) => {
      await say(wire.getAttribute(id, 'x-Product'));
      await say(
        wire.addAttribute(id, 'x-Product', 'VMware vSphere'),
        wire.addAttribute(id, 'x-Component', component),
        wire.addAttribute(id, 'x-Name', `${component} ${id}`),
      );
    });
    await this.anywhere(source, 'other', async (say, { name }) => {
      const [got] = await say(wire.get(id));
      this.#ledger.given(key, materialIn(got), name);
      await say(wire.activate(id));
      key.activated = { place: name, at: performance.now() };
    });
    return key;
  }

  /** A host's question: the key and its state. False where no node answers it. */
  fetch(key: Key, source: string, order?: readonly Place[]): Promise<boolean> {
    const act = async (say: Say, { name }: Place): Promise<boolean> => {
      const [got] = await say(wire.get(key.id));
      this.#ledger.given(key, materialIn(got), name);
      const [state] = await say(wire.getAttribute(key.id, 'State'));
      return stateIn(state) !== undefined;
    };
    return this.anywhere(source, 'read', act, order).catch(() => false);
  }
}
