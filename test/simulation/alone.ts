import type { SimulatedNetwork } from './network.ts';
import type { SimulatedNode } from './node.ts';
import type { Timeline } from './timeline.ts';

/** Three heartbeats that did not come, a client that waits for a slow peer, and some to spare. */
const noticedMilliseconds = 5_600;

/** How long each node has had no way to the other one, whatever it believes itself. */
export class Alone {
  readonly #nodes: readonly [SimulatedNode, SimulatedNode];
  readonly #network: SimulatedNetwork;
  readonly #timeline: Timeline;
  readonly #since = new Map<SimulatedNode, { readonly life: object; readonly from: number }>();

  constructor(
    nodes: readonly [SimulatedNode, SimulatedNode],
    network: SimulatedNetwork,
    timeline: Timeline,
  ) {
    this.#nodes = nodes;
    this.#network = network;
    this.#timeline = timeline;
  }

  /** After each event: nothing changes between them. */
  look(): void {
    const [one, two] = this.#nodes;
    const together =
      one.life !== undefined && two.life !== undefined && this.#network.isWhole(one.id, two.id);
    for (const node of this.#nodes) {
      const { life } = node;
      if (together || life === undefined) this.#since.delete(node);
      // A life that begins alone has its time before from the disk, which may know less of it.
      else if (this.#since.get(node)?.life !== life) {
        this.#since.set(node, { life, from: this.#timeline.elapsed });
      }
    }
  }

  /** Whether a node has been alone for so many seconds and has to know it by now. */
  isLongerThan(node: SimulatedNode, seconds: number): boolean {
    const from = this.#since.get(node)?.from ?? this.#timeline.elapsed;
    return this.#timeline.elapsed - from > seconds * 1000 + noticedMilliseconds;
  }
}
