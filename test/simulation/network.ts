import type { Member } from '../../appliance/keystore/membership.ts';
import type { Channel, Transport } from '../../appliance/replication/channel.ts';
import { decodeEntries, encodeEntries, messageKind } from '../../appliance/replication/message.ts';
import type { Chance } from './chance.ts';
import type { Timeline } from './timeline.ts';

type Message = readonly [kind: number, payload: Buffer];

/** One end of a connection. */
interface End {
  readonly node: string;
  onMessage?: (kind: number, payload: Buffer) => void;
  onEnd?: () => void;
  /** Came before anybody took messages. */
  readonly early: Message[];
  open: boolean;
}

/** One of the two ways of a connection: what is lost on it is followed by nothing. */
interface Way {
  readonly from: End;
  readonly to: End;
  /** When the newest message arrives: a connection keeps its order. */
  last: number;
  lost: boolean;
  /** Waits for the way to be whole again, as TCP sends again what was not confirmed. */
  readonly held: (() => void)[];
}

/** What travels again later, in whatever connection there is then: records and secrets. */
const replayable: readonly number[] = [messageKind.entries, messageKind.materials];
/** What may come twice in one connection without anybody minding. */
const repeatable: readonly number[] = [...replayable, messageKind.ack, messageKind.beat];

/**
 * Connections whose messages come late, never, or again. A direction that is cut swallows what is
 * under way, or holds it back until it is whole; the other direction goes on.
 */
export class SimulatedNetwork {
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #heard: (text: string) => void;
  readonly #listeners = new Map<string, (channel: Channel) => void>();
  readonly #cut = new Set<string>();
  #ways: Way[] = [];
  /** Milliseconds that a message takes at most. */
  delay = 5;
  /** How often a message comes again. */
  repeats = 0;
  /** How often a bit of a record or of its secret is another one when it is sent. */
  flips = 0;
  /** Says whether a node's process lives: what a dead one says is said to nobody. */
  isAlive: (node: string) => boolean = () => true;

  constructor(timeline: Timeline, chance: Chance, heard: (text: string) => void) {
    this.#timeline = timeline;
    this.#chance = chance;
    this.#heard = heard;
  }

  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  /** Whether messages pass both ways. */
  isWhole(one: string, other: string): boolean {
    return !this.#isCut(one, other) && !this.#isCut(other, one);
  }

  mend(): void {
    this.#cut.clear();
    this.delay = 5;
    this.repeats = 0;
    this.flips = 0;
    for (const way of this.#ways) {
      for (const act of way.held.splice(0)) this.#carry(way, act);
    }
  }

  /** A node's process is gone. `silently`: nobody's kernel is left to say so. */
  kill(node: string, silently: boolean): void {
    this.#listeners.delete(node);
    for (const way of this.#ways) {
      if (way.to.node === node) way.to.open = false;
      if (way.from.node !== node || !way.from.open) continue;
      way.from.open = false;
      if (!silently) {
        this.#carry(way, () => {
          this.#end(way.to);
        });
      } else if (this.#chance.happens(0.5)) {
        way.lost = true;
      }
    }
    this.#forget();
  }

  /** Ends all connections at once. */
  reset(): void {
    for (const way of this.#ways) this.#end(way.to);
    this.#forget();
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
        const near: End = { node: from, early: [], open: true };
        const far: End = { node: to, early: [], open: true };
        const there: Way = { from: near, to: far, last: 0, lost: false, held: [] };
        const back: Way = { from: far, to: near, last: 0, lost: false, held: [] };
        this.#forget();
        this.#ways.push(there, back);
        accept(this.#channel(back, false));
        resolve(this.#channel(there, true));
      });
    });
  }

  #channel(way: Way, dialled: boolean): Channel {
    const { from: near, to: far } = way;
    return {
      peer: far.node,
      dialled,
      send: (kind, payload) => {
        if (near.open && this.isAlive(near.node)) this.#send(way, kind, Buffer.from(payload));
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
        if (!this.isAlive(near.node)) return;
        this.#carry(way, () => {
          this.#end(far);
        });
      },
    };
  }

  #send(way: Way, kind: number, payload: Buffer): void {
    const message: Message = [kind, this.#flipped(kind, payload)];
    this.#carry(way, () => {
      this.#deliver(way.to, message);
    });
    if (!this.#chance.happens(this.repeats) || !repeatable.includes(kind)) return;
    this.#timeline.after(this.#late() + this.#chance.below(3_000), () => {
      if (this.#isCut(way.from.node, way.to.node) || way.lost) return;
      if (way.to.open) this.#deliver(way.to, message);
      else if (replayable.includes(kind)) this.#replay(way, message);
    });
  }

  /** In a later connection between the same nodes. */
  #replay({ from, to }: Way, message: Message): void {
    const later = this.#ways.findLast(
      (way) => way.to.open && way.from.node === from.node && way.to.node === to.node,
    );
    if (later?.to.onMessage !== undefined) this.#deliver(later.to, message);
  }

  #deliver(end: End, message: Message): void {
    if (!end.open) return;
    const [kind, payload] = message;
    this.#heard(`${end.node} hears ${kind} of ${payload.length}`);
    if (end.onMessage === undefined) end.early.push(message);
    else end.onMessage(kind, payload);
  }

  /** Later than all before it, unless it is lost. */
  #carry(way: Way, act: () => void): void {
    way.last = Math.max(way.last, this.#timeline.elapsed + this.#late());
    this.#timeline.after(way.last - this.#timeline.elapsed, () => {
      if (way.lost) return;
      if (way.held.length > 0) way.held.push(act);
      else if (!this.#isCut(way.from.node, way.to.node)) act();
      else if (this.#chance.happens(0.5)) way.held.push(act);
      else way.lost = true;
    });
  }

  #end(end: End): void {
    if (!end.open) return;
    end.open = false;
    this.#timeline.after(this.#late(), () => end.onEnd?.());
  }

  /** Memory that forgets a bit, where TLS does not see it: before a record is sent. */
  #flipped(kind: number, payload: Buffer): Buffer {
    if (kind !== messageKind.entries || !this.#chance.happens(this.flips)) return payload;
    const entries = decodeEntries(payload);
    const parts = entries.flatMap(({ sealed, ...record }) => {
      const others = this.#chance.happens(0.3) ? [record.body, record.signature] : [];
      return sealed === undefined ? others : [sealed, ...others];
    });
    const part = this.#chance.among(parts);
    if (part === undefined) return payload;
    const at = this.#chance.below(part.length);
    part[at] = (part[at] ?? 0) ^ (1 << this.#chance.below(8));
    return encodeEntries(entries);
  }

  #forget(): void {
    this.#ways = this.#ways.filter(({ from, to }) => from.open || to.open);
  }

  #isCut(from: string, to: string): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  #late(): number {
    return 1 + this.#chance.below(this.delay);
  }
}
