import type { Entry, LooseMaterial } from '../keystore/exchange.ts';
import { lackingMost } from '../keystore/receipt.ts';
import { decodeHead, hashOf } from '../keystore/record.ts';
import type { Heads } from '../keystore/record-log.ts';
import type { Replica } from '../keystore/replica.ts';
import type { Channel } from './channel.ts';
import { Greeting } from './greeting.ts';
import { FetchTelling } from './fetch-telling.ts';
import { Intake } from './intake.ts';
import { Mending } from './mending.ts';
import { findPast, lower, missing } from './past.ts';
import type { Past } from './past.ts';
import { StateComparison } from './state-comparison.ts';
import {
  decodeEntries,
  decodeMaterials,
  encodeEntries,
  encodeMaterials,
  messageKind,
  protocolVersion,
  readAck,
  readBeat,
  readComparison,
  readHeads,
  readPlace,
  toJson,
} from './message.ts';
import type { Ack, Beat, Comparison, Hello, Place } from './message.ts';
import type { Surroundings } from './surroundings.ts';

export const heartbeatMilliseconds = 1_000;
/** Three heartbeats that did not come, and half of one for their way. */
export const silenceMilliseconds = 3_500;
/** Few, because nobody is served by the other node while it stores them. */
const page = { records: 64, bytes: 1 << 20 };
/** Messages of entries that may be under way at once. */
const windowMessages = 4;
/** With more the message would be too long; a greeting is not. */
const resyncEpochs = 20_000;
/** More than can be under way: a node that lacks so many has been away. */
const farBehindRecords = page.records * windowMessages;

export interface SessionParts {
  readonly channel: Channel;
  readonly replica: Replica;
  readonly surroundings: Surroundings;
  readonly features: readonly string[];
  /** How many epochs a greeting names; `namedEpochs` where it is not given. */
  readonly named?: number;
  /** Whether this node's keeper opens under a wrapping key that its token has proven just now. */
  readonly able: () => boolean;
  /** The peer's heads or ability changed. */
  readonly changed: () => void;
  /** Greetings were exchanged. */
  readonly greeted: () => void;
  /** This node's past is not what the peer remembers. */
  readonly past: (past: Past) => void;
  /** Records came in. */
  readonly ingested: () => void;
  readonly ended: (why: string) => void;
}

/** What one message of secrets may hold, so that it stays well below a message's limit. */
const materialBytes = 1 << 20;

/** One connection's life: hello, records and acknowledgements both ways, heartbeats. */
export class Session {
  readonly peer: string;
  readonly #parts: SessionParts;
  readonly #comparison: StateComparison;
  readonly #intake: Intake;
  readonly #mending: Mending;
  readonly #fetchTelling: FetchTelling;
  #greeting: Greeting | undefined;
  /** Where the peer will stand when it has taken all that was sent. */
  #sent: Heads = {};
  #theirs: Record<string, readonly [number, string]> = {};
  #told: Heads = {};
  #hello: Hello | undefined;
  #lacking: ReadonlySet<string> = new Set();
  #able = false;
  #skew = 0;
  #heard: number;
  #underWay = 0;
  #acked = 0;
  /** When what is under way was sent, in milliseconds, and how long the newest answer took. */
  #sentAt: number[] = [];
  #answerTook = 0;
  #takenCount = 0;
  #pumping = false;
  #again = false;
  #open = true;
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  #traces = new Map<string, (hash: string | undefined) => void>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.peer = parts.channel.peer;
    this.#heard = parts.surroundings.elapsed();
    const { peer } = this;
    this.#comparison = new StateComparison({
      ...{ ...parts, peer },
      behind: () => this.#isFarBehind(),
      say: (comparison) => {
        this.#send(messageKind.compare, toJson(comparison satisfies Comparison));
      },
    });
    this.#mending = new Mending({
      ...{ ...parts, peer },
      send: (kind, payload) => {
        this.#send(kind, payload);
      },
    });
    this.#fetchTelling = new FetchTelling(parts.replica, (kind, payload) => {
      this.#send(kind, payload);
    });
    this.#intake = new Intake({ ...parts, peer, open: () => this.#open });
  }

  /** Greets the peer and takes what it says; a connection that has ended already is told of. */
  begin(): void {
    const { peer } = this;
    const parts = this.#parts;
    parts.channel.receive(
      (kind, payload) => {
        this.#receive(kind, payload);
      },
      () => {
        this.end('the connection ended');
      },
    );
    const send = (kind: number, message: object): void => {
      this.#send(kind, toJson(message));
    };
    this.#greeting = new Greeting({ ...parts, peer, send });
    this.#told = this.#greeting.said;
    this.#beat();
  }

  /** Whether it may still come to something, greetings or not. */
  get fresh(): boolean {
    return this.#open && this.#parts.surroundings.elapsed() - this.#heard <= silenceMilliseconds;
  }

  /** Whether greetings were exchanged and the peer was heard of lately. */
  get alive(): boolean {
    return this.fresh && this.#hello !== undefined;
  }

  get able(): boolean {
    return this.#able;
  }

  get view(): {
    readonly heads: Heads;
    readonly skew: number;
    readonly features: readonly string[];
    readonly lacking: number;
    readonly equal: boolean | undefined;
    readonly epoch: string | undefined;
  } {
    return {
      heads: this.#theirs,
      skew: this.#skew,
      features: this.#hello?.features ?? [],
      lacking: this.#lacking.size,
      equal: this.#comparison.equal,
      epoch: this.#hello?.epoch,
    };
  }

  /** Whether the peer has this record, and all before it, and the secrets of these objects. */
  holds(epoch: string, seq: number, objects: readonly string[]): boolean {
    return (
      this.#able &&
      this.#lacking.size < lackingMost &&
      (this.#theirs[epoch]?.[0] ?? 0) >= seq &&
      !objects.some((object) => this.#lacking.has(object))
    );
  }

  /** How long the peer took to confirm the newest records that it has, in milliseconds. */
  get answerTook(): number {
    return this.#answerTook;
  }

  /** For how long it owes a confirmation by now, in milliseconds. */
  get owes(): number {
    const [first] = this.#sentAt;
    return first === undefined ? 0 : this.#parts.surroundings.elapsed() - first;
  }

  /** Records that are here and not there. */
  lag(): number {
    return missing(this.#theirs, this.#parts.replica.heads());
  }

  /** Sends what is new, as far as the window allows. */
  wake(): void {
    this.#pump().catch(() => {
      this.end('records cannot be read');
    });
  }

  /** Asks the peer for all that is behind this node's heads. */
  resync(): void {
    const heads = this.#parts.replica.heads();
    if (Object.keys(heads).length > resyncEpochs) this.end('it greets anew');
    else this.#send(messageKind.resync, toJson(heads));
  }

  /** The hash of the record that the peer has at a place; undefined where it has none. */
  trace(epoch: string, seq: number): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#traces.set(`${epoch}.${seq}`, resolve);
      this.#send(messageKind.trace, toJson({ epoch, seq } satisfies Place));
    });
  }

  end(why: string): void {
    if (!this.#open) return;
    this.#open = false;
    for (const resolve of this.#traces.values()) resolve(undefined);
    this.#traces.clear();
    this.#parts.channel.close();
    this.#parts.ended(why);
  }

  #send(kind: number, payload: Uint8Array): void {
    if (this.#open) void this.#parts.channel.send(kind, payload);
  }

  #receive(kind: number, payload: Buffer): void {
    if (!this.#open) return;
    this.#heard = this.#parts.surroundings.elapsed();
    try {
      if (this.#hello !== undefined) {
        this.#handle(kind, payload);
        return;
      }
      const hello = this.#greeting?.hear(kind, payload);
      if (hello === undefined) return;
      this.#greet(hello);
      for (const early of this.#greeting?.early ?? []) this.#handle(early.kind, early.payload);
    } catch (error) {
      this.end(error instanceof Error ? error.message : 'a message that is none');
    }
  }

  #handle(kind: number, payload: Buffer): void {
    switch (kind) {
      case messageKind.entries:
        this.#queue(() => this.#take(payload));
        return;
      case messageKind.materials:
        this.#queue(async () => {
          await this.#parts.replica.ingestMaterials(decodeMaterials(payload));
          // What is still lacking is asked for at once: there may be very much of it.
          this.#sayBeat();
        });
        return;
      case messageKind.ack:
        this.#acknowledged(readAck(payload));
        return;
      case messageKind.beat:
        this.#beaten(readBeat(payload));
        return;
      case messageKind.resync:
        this.#restart(readHeads(payload));
        return;
      case messageKind.compare:
        this.#comparison.heard(readComparison(payload));
        return;
      case messageKind.want:
        this.#mending.asked(payload);
        return;
      case messageKind.wanted:
        this.#queue(() => this.#mending.came(payload));
        return;
      case messageKind.fetched:
        this.#queue(() => this.#fetchTelling.heard(payload));
        return;
      case messageKind.forked:
        this.#parts.past({ why: 'fork', ...readPlace(payload) });
        return;
      case messageKind.trace: {
        const { epoch, seq } = readPlace(payload);
        const hash = this.#parts.replica.hashAt(epoch, seq);
        const place = { epoch, seq, ...(hash === undefined ? {} : { hash }) };
        this.#send(messageKind.traced, toJson(place satisfies Place));
        return;
      }
      case messageKind.traced: {
        const { epoch, seq, hash } = readPlace(payload);
        this.#traces.get(`${epoch}.${seq}`)?.(hash);
        this.#traces.delete(`${epoch}.${seq}`);
        return;
      }
      case messageKind.more:
        this.#greeting?.tell();
        return;
      default:
        // A newer version says more; what is not understood is not answered.
        return;
    }
  }

  #greet(hello: Hello): void {
    const { replica, surroundings } = this.#parts;
    if (hello.protocol !== protocolVersion) throw new Error('another protocol version');
    if (hello.cluster !== replica.cluster) throw new Error('another cluster');
    if (hello.node !== this.peer) throw new Error('another node than its certificate says');
    this.#hello = hello;
    this.#able = hello.able;
    this.#skew = hello.time - surroundings.now();
    this.#lacking = new Set(hello.lacking);
    replica.receipts.noteLacking(this.peer, hello.lacking);
    this.#restart(hello.heads);
    for (const past of findPast(replica, hello)) {
      if (past.why === 'fork' && replica.authorOf(past.epoch) !== replica.node) {
        this.#forkElsewhere(past);
      } else {
        this.#parts.past(past);
      }
    }
    this.#parts.greeted();
    this.#parts.changed();
  }

  /** The author of the epoch mends it; until then nothing of that epoch fits together. */
  #forkElsewhere({ epoch, seq }: Past): void {
    this.#parts.surroundings.log('error', 'the peer has another record here', { epoch, seq });
    this.#sent = { ...this.#sent, [epoch]: [Number.MAX_SAFE_INTEGER, ''] };
    this.#send(messageKind.forked, toJson({ epoch, seq } satisfies Place));
  }

  /** The peer stands there, and takes what is behind it. */
  #restart(heads: Heads): void {
    this.#theirs = { ...heads };
    this.#sent = heads;
    const { receipts } = this.#parts.replica;
    receipts.replace(this.peer, this.#able ? heads : lower(heads, receipts.heads(this.peer)));
    this.wake();
  }

  #acknowledged({ taken, heads, lacking, able }: Ack): void {
    // One that came again says nothing new of what is under way.
    const more = Math.max(0, taken - this.#acked);
    this.#underWay = Math.max(0, this.#underWay - more);
    const answered = this.#sentAt.splice(0, more);
    const last = answered.at(-1);
    if (last !== undefined) this.#answerTook = this.#parts.surroundings.elapsed() - last;
    this.#acked += more;
    this.#stands(heads, lacking, able);
    this.wake();
  }

  #stands(heads: Heads, lacking: readonly string[], able: boolean): void {
    for (const [epoch, head] of Object.entries(heads)) {
      this.#theirs[epoch] = head;
      if ((this.#sent[epoch]?.[0] ?? 0) < head[0]) this.#sent = { ...this.#sent, [epoch]: head };
    }
    this.#lacking = new Set(lacking);
    // What came while its token could not be proven counts from the moment it can.
    const proven = able && !this.#able ? this.#theirs : heads;
    this.#able = able;
    this.#parts.replica.receipts.noteLacking(this.peer, lacking);
    if (able) this.#parts.replica.receipts.note(this.peer, proven);
    this.#parts.changed();
  }

  async #pump(): Promise<void> {
    this.#again = true;
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#again && this.#open && this.#hello !== undefined) {
        this.#again = false;
        while (this.#underWay < windowMessages && this.#isOpen()) {
          const { entries, heads } = this.#parts.replica.after(this.#sent, page);
          if (entries.length === 0) break;
          this.#sent = heads;
          this.#underWay++;
          this.#sentAt.push(this.#parts.surroundings.elapsed());
          await this.#parts.channel.send(messageKind.entries, encodeEntries(entries));
        }
      }
    } finally {
      this.#pumping = false;
    }
  }

  #isOpen(): boolean {
    return this.#open;
  }

  /** One after the other; a peer that ignores the window is cut off, not buffered. */
  #queue(act: () => Promise<void>): void {
    if (++this.#waiting > windowMessages * 4) throw new Error('more than was asked for');
    this.#work = this.#work.then(async () => {
      try {
        if (this.#open) await act();
      } catch (error) {
        this.end(error instanceof Error ? error.message : 'could not be stored');
      } finally {
        this.#waiting--;
      }
    });
  }

  async #take(payload: Buffer): Promise<void> {
    const entries = decodeEntries(payload);
    const heads = this.#headsOf(entries);
    // Before they are stored: what is new here is not to go back to whom it came from.
    for (const [epoch, head] of Object.entries(heads)) {
      if ((this.#sent[epoch]?.[0] ?? 0) < head[0]) this.#sent = { ...this.#sent, [epoch]: head };
    }
    if (!(await this.#intake.take(entries, this.#isFarBehind()))) this.resync();
    if (!this.#isOpen()) return;
    // What the peer sends, the peer has; it may have said more meanwhile.
    for (const [epoch, head] of Object.entries(heads)) {
      if ((this.#theirs[epoch]?.[0] ?? 0) < head[0]) this.#theirs[epoch] = head;
    }
    if (this.#able) this.#parts.replica.receipts.note(this.peer, heads);
    this.#takenCount++;
    const ack: Ack = { taken: this.#takenCount, ...this.#standing() };
    this.#send(messageKind.ack, toJson(ack));
    this.#parts.ingested();
  }

  /** Whether the peer says that it has a great deal more than this node. */
  #isFarBehind(): boolean {
    return missing(this.#parts.replica.heads(), this.#theirs) > farBehindRecords;
  }

  /** Where a peer stands that has these, in the epochs in which that is more than was known. */
  #headsOf(entries: readonly Entry[]): Heads {
    const heads: Record<string, readonly [number, string]> = {};
    for (const { body } of entries) {
      const head = decodeHead(body);
      if (head === undefined || (this.#theirs[head.epoch]?.[0] ?? 0) >= head.seq) continue;
      heads[head.epoch] = [head.seq, hashOf(body).toString('hex')];
    }
    return heads;
  }

  /** Where this node stands, in the epochs of which the peer was not told yet. */
  #standing(): Pick<Ack, 'heads' | 'lacking' | 'able'> {
    const { replica, able } = this.#parts;
    const all = replica.heads();
    const heads = Object.fromEntries(
      Object.entries(all).filter(([epoch, [, hash]]) => this.#told[epoch]?.[1] !== hash),
    );
    this.#told = all;
    return { heads, lacking: replica.lacking(lackingMost), able: able() };
  }

  #beat(): void {
    const { surroundings } = this.#parts;
    if (!this.#open) return;
    if (surroundings.elapsed() - this.#heard > silenceMilliseconds) {
      this.end('three heartbeats did not come');
      return;
    }
    this.#sayBeat();
    surroundings.after(heartbeatMilliseconds, () => {
      this.#beat();
    });
  }

  #sayBeat(): void {
    if (this.#hello === undefined) return;
    const beat: Beat = { ...this.#standing(), time: this.#parts.surroundings.now() };
    this.#send(messageKind.beat, toJson(beat));
    this.#comparison.look();
    this.#mending.look();
    this.#fetchTelling.say();
  }

  #beaten({ heads, lacking, able, time }: Beat): void {
    this.#skew = time - this.#parts.surroundings.now();
    this.#stands(heads, lacking, able);
    if (lacking.length === 0) return;
    const materials: LooseMaterial[] = [];
    let bytes = 0;
    for (const object of lacking.slice(0, lackingMost)) {
      if (bytes > materialBytes) break;
      for (const each of this.#parts.replica.materials([object])) {
        materials.push(each);
        bytes += each.sealed.length;
      }
    }
    if (materials.length > 0) this.#send(messageKind.materials, encodeMaterials(materials));
  }
}
