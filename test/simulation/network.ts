import type { Member } from '../../appliance/keystore/membership.ts';
import type { Channel, Transport } from '../../appliance/replication/channel.ts';
import type { Chance } from './chance.ts';
import type { Timeline } from './timeline.ts';

interface End {
  onMessage?: (kind: number, payload: Buffer) => void;
  onEnd?: () => void;
  /** Came before anybody took messages. */
  early: [number, Buffer][];
  open: boolean;
}

/**
 * Connections whose messages come late, in order, or never: a direction that is cut swallows what
 * is under way until the connection ends, as a network does that lost its route.
 */
export class SimulatedNetwork {
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #listeners = new Map<string, (channel: Channel) => void>();
  readonly #cut = new Set<string>();
  readonly #ends = new Map<string, Set<End>>();
  /** Milliseconds that a message takes at most. */
  delay = 5;

  constructor(timeline: Timeline, chance: Chance) {
    this.#timeline = timeline;
    this.#chance = chance;
  }

  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  mend(): void {
    this.#cut.clear();
    this.delay = 5;
  }

  /** A node's process is gone: its peer's kernel hears of it, unless the way is cut. */
  kill(node: string): void {
    this.#listeners.delete(node);
    for (const end of this.#ends.get(node) ?? []) this.#end(end);
    this.#ends.delete(node);
  }

  /** Ends all connections at once. */
  reset(): void {
    for (const ends of this.#ends.values()) for (const end of ends) this.#end(end);
  }

  transportOf(node: string): Transport {
    return {
      accept: (onChannel) => {
        this.#listeners.set(node, onChannel);
      },
      dial: (member) => this.#dial(node, member),
    };
  }

  #dial(from: string, { node: to }: Member): Promise<Channel> {
    const life = this.#listeners.get(from);
    return new Promise((resolve, reject) => {
      this.#timeline.after(this.#late(), () => {
        const accept = this.#listeners.get(to);
        // Who dialled may have died meanwhile, and started anew.
        const known = life !== undefined && this.#listeners.get(from) === life;
        if (accept === undefined || !known || this.#isCut(from, to) || this.#isCut(to, from)) {
          reject(new Error('not reached'));
          return;
        }
        const near: End = { early: [], open: true };
        const far: End = { early: [], open: true };
        this.#keep(from, near);
        this.#keep(to, far);
        accept(this.#channel(to, from, false, far, near));
        resolve(this.#channel(from, to, true, near, far));
      });
    });
  }

  #channel(own: string, peer: string, dialled: boolean, near: End, far: End): Channel {
    let last = 0;
    const carry = (act: () => void): void => {
      // Later than all before it: a connection keeps its order.
      last = Math.max(last, this.#timeline.elapsed + this.#late());
      this.#timeline.after(last - this.#timeline.elapsed, () => {
        if (!this.#isCut(own, peer)) act();
        else if (near.open) this.#lost(near, far);
      });
    };
    return {
      peer,
      dialled,
      send: (kind, payload) => {
        const copy = Buffer.from(payload);
        if (near.open) {
          carry(() => {
            if (!far.open) return;
            if (far.onMessage === undefined) far.early.push([kind, copy]);
            else far.onMessage(kind, copy);
          });
        }
        return Promise.resolve();
      },
      receive: (onMessage, onEnd) => {
        near.onMessage = onMessage;
        near.onEnd = onEnd;
        for (const [kind, payload] of near.early.splice(0)) onMessage(kind, payload);
      },
      close: () => {
        if (!near.open) return;
        near.open = false;
        carry(() => {
          this.#end(far);
        });
      },
    };
  }

  /** What was lost on the way never comes later: both ends hear of the end, or of nothing. */
  #lost(near: End, far: End): void {
    near.open = false;
    far.open = false;
    this.#timeline.after(4_000, () => {
      near.onEnd?.();
      far.onEnd?.();
    });
  }

  #end(end: End): void {
    if (!end.open) return;
    end.open = false;
    this.#timeline.after(this.#late(), () => end.onEnd?.());
  }

  #keep(node: string, end: End): void {
    const ends = this.#ends.get(node) ?? new Set();
    ends.add(end);
    this.#ends.set(node, ends);
  }

  #isCut(from: string, to: string): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  #late(): number {
    return 1 + this.#chance.below(this.delay);
  }
}
