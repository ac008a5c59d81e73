import type { Member } from '../keystore/membership.ts';
import type { RecordHead } from '../keystore/record.ts';
import type { Replica } from '../keystore/replica.ts';
import type { PeerView, RecordCarrier } from './carrier.ts';
import type { Channel, Transport } from './channel.ts';
import type { History } from './history.ts';
import { Session } from './session.ts';
import type { Surroundings } from './surroundings.ts';

const lookMilliseconds = 200;
const saveMilliseconds = 1_000;
const firstBackOff = 200;
/** Both nodes dial: that two who can reach each other again do so is a matter of seconds. */
const longestBackOff = 1_000;
const steadyMilliseconds = 3_000;
/** A client waits this long for the peer once; then it counts as slow until it has caught up. */
export const confirmMilliseconds = 2_000;
/** More records than this behind is catching up: what is new would wait behind them. */
const catchingUpRecords = 4_096;
/** So few records behind, and this quick to confirm the newest, a slow peer is quick again. */
const quickRecords = 32;
const quickMilliseconds = confirmMilliseconds / 2;
/** Where nothing is sent nothing is known: ever later one client may be the one that finds out. */
const firstPatience = 5_000;
const longestPatience = 60_000;

export interface PairCarrierParts {
  readonly replica: Replica;
  /** Calls with the records of each commit; gives back what ends that. */
  readonly onRecords: (listener: (records: readonly RecordHead[]) => void) => () => void;
  readonly transport: Transport;
  readonly surroundings: Surroundings;
  readonly history: History;
  readonly features: readonly string[];
  readonly able: () => boolean;
  /** How many epochs a greeting names; see `namedEpochs`. */
  readonly named?: number;
}

interface Link {
  session: Session | undefined;
  dialled: boolean;
  dialling: boolean;
  next: number;
  delay: number;
  /** When a client waited for it in vain, by the clock that nobody sets. */
  slow: number | undefined;
  patience: number;
  catchingUp: boolean;
  heard: number | undefined;
  begun: number;
  trouble: string | undefined;
}

interface Waiter {
  readonly epoch: string;
  readonly seq: number;
  readonly objects: readonly string[];
  readonly end: (confirmed: boolean) => void;
}

/** Carries records over one connection to each other member, which in a pair is one. */
export class PairCarrier implements RecordCarrier {
  readonly #parts: PairCarrierParts;
  readonly #links = new Map<string, Link>();
  readonly #waiters = new Set<Waiter>();
  readonly #listeners = new Set<() => void>();
  readonly #endings: (() => void)[] = [];
  #stopped = false;
  #saved = 0;
  #saving = false;
  #only: string | undefined;

  constructor(parts: PairCarrierParts) {
    this.#parts = parts;
  }

  start(): void {
    const { transport, onRecords } = this.#parts;
    transport.accept((channel) => {
      this.#adopt(channel);
    });
    this.#endings.push(
      onRecords(() => {
        for (const { session } of this.#links.values()) session?.wake();
      }),
    );
    this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const end of this.#endings) end();
    for (const waiter of this.#waiters) waiter.end(false);
    for (const { session } of this.#links.values()) session?.end('stopping');
    await this.#parts.replica.saveReceipts().catch(() => {});
  }

  /**
   * Links this node to that one alone; undefined: to every member. While a node joins it knows only
   * its host for sure: the records of nodes that were removed come before those of their removal.
   */
  linkOnly(node: string | undefined): void {
    this.#only = node;
  }

  get present(): boolean {
    return [...this.#links.values()].some(isPresent);
  }

  confirmed(records: readonly RecordHead[]): Promise<boolean> {
    const last = records.at(-1);
    if (last === undefined) return Promise.resolve(true);
    if (!this.present) return Promise.resolve(false);
    const objects = records
      .filter(({ kind }) => kind === 'object-created')
      .map(({ object }) => object);
    return new Promise((resolve) => {
      const { after, elapsed } = this.#parts.surroundings;
      const cancel = after(confirmMilliseconds, () => {
        const now = elapsed();
        for (const link of this.#links.values()) if (isPresent(link)) link.slow = now;
        waiter.end(false);
        this.#changed();
      });
      const waiter: Waiter = {
        epoch: last.epoch,
        seq: last.seq,
        objects,
        end: (confirmed) => {
          cancel();
          this.#waiters.delete(waiter);
          resolve(confirmed);
        },
      };
      this.#waiters.add(waiter);
      this.#answer();
    });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Nothing lies between two nodes: what is wrong is said of the peer. */
  alarms(): string[] {
    return [];
  }

  peers(): PeerView[] {
    return this.#members().map(({ node, name }) => {
      const link = this.#links.get(node);
      const session = link?.session;
      const { heads, skew, features, lacking, equal } = session?.view ?? {
        heads: this.#parts.replica.receipts.heads(node),
        skew: undefined,
        features: [],
        lacking: 0,
        equal: undefined,
      };
      return {
        node,
        name,
        state: link === undefined ? 'away' : stateOf(link),
        ...(link?.heard === undefined ? {} : { heard: link.heard }),
        ...(link?.trouble === undefined ? {} : { trouble: link.trouble }),
        lag: this.#behind(heads),
        heads,
        ...(equal === undefined ? {} : { equal }),
        ...(skew === undefined ? {} : { skew }),
        features,
        lacking,
      };
    });
  }

  #behind(theirs: PeerView['heads']): number {
    let lag = 0;
    for (const [epoch, [seq]] of Object.entries(this.#parts.replica.heads())) {
      lag += Math.max(0, seq - (theirs[epoch]?.[0] ?? 0));
    }
    return lag;
  }

  #members(): Member[] {
    const { replica } = this.#parts;
    const only = this.#only;
    return replica
      .members()
      .filter(({ node, removed }) => node !== replica.node && !removed && node === (only ?? node));
  }

  #link(node: string): Link {
    const found = this.#links.get(node);
    if (found !== undefined) return found;
    const link: Link = {
      session: undefined,
      dialled: false,
      dialling: false,
      next: 0,
      delay: firstBackOff,
      slow: undefined,
      patience: firstPatience,
      catchingUp: false,
      heard: undefined,
      begun: 0,
      trouble: undefined,
    };
    this.#links.set(node, link);
    return link;
  }

  /** Several times a second: who is to be dialled, who is slow, what has to be written down. */
  #look(): void {
    if (this.#stopped) return;
    const { surroundings } = this.#parts;
    const members = new Map(this.#members().map((member) => [member.node, member]));
    for (const [node, { session }] of this.#links) {
      if (members.has(node)) continue;
      session?.end('no member any more');
      this.#links.delete(node);
    }
    for (const member of members.values()) {
      const link = this.#link(member.node);
      this.#judge(link);
      if (link.session === undefined) void this.#dial(member, link);
    }
    this.#save();
    this.#answer();
    surroundings.after(lookMilliseconds, () => {
      this.#look();
    });
  }

  #judge(link: Link): void {
    const { session } = link;
    if (session === undefined) return;
    const { now, elapsed } = this.#parts.surroundings;
    if (session.alive) link.heard = now();
    // What lasts is good again; what ends at once, again and again, is tried ever less often.
    if (session.alive && elapsed() - link.begun > steadyMilliseconds) {
      link.delay = firstBackOff;
      link.trouble = undefined;
    }
    const lag = session.lag();
    const was = stateOf(link);
    link.catchingUp = lag > catchingUpRecords;
    if (lag <= quickRecords) quicken(link, session, elapsed());
    if (stateOf(link) !== was) this.#changed();
  }

  #save(): void {
    const { surroundings, replica } = this.#parts;
    const now = surroundings.elapsed();
    if (this.#saving || now - this.#saved < saveMilliseconds) return;
    this.#saved = now;
    this.#saving = true;
    void replica
      .saveReceipts()
      .catch(() => {})
      .finally(() => {
        this.#saving = false;
      });
  }

  async #dial(member: Member, link: Link): Promise<void> {
    const { surroundings, transport } = this.#parts;
    if (link.dialling || surroundings.elapsed() < link.next) return;
    if (member.addresses.length === 0) return;
    link.dialling = true;
    // Up to half as long again, so that two nodes do not keep meeting in the middle.
    const jitter = (surroundings.random(1)[0] ?? 0) / 512;
    link.next = surroundings.elapsed() + link.delay * (1 + jitter);
    link.delay = Math.min(link.delay * 2, longestBackOff);
    try {
      this.#adopt(await transport.dial(member));
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      surroundings.log('debug', 'the peer is not reached', { peer: member.name, error: text });
    } finally {
      link.dialling = false;
    }
  }

  #adopt(channel: Channel): void {
    const { replica, surroundings, features, able, history, named } = this.#parts;
    const { peer } = channel;
    if (this.#stopped || !this.#members().some(({ node }) => node === peer)) {
      channel.close();
      return;
    }
    const link = this.#link(peer);
    // Of two connections begun at once both nodes keep the one that the smaller identifier began.
    const wanted = replica.node < peer;
    const existing = link.session;
    if (existing?.fresh === true && link.dialled === wanted && channel.dialled !== wanted) {
      channel.close();
      return;
    }
    link.session = undefined;
    existing?.end('another connection took its place');
    link.dialled = channel.dialled;
    link.begun = surroundings.elapsed();
    const session = new Session({
      channel,
      replica,
      surroundings,
      features,
      able,
      ...(named === undefined ? {} : { named }),
      changed: () => {
        this.#judge(link);
        this.#answer();
      },
      greeted: () => {
        surroundings.log('info', 'connected to the peer', { peer });
        history.met(session);
        this.#changed();
      },
      past: (past) => {
        history.found(past, session);
      },
      ingested: () => {
        history.look();
      },
      ended: (why) => {
        surroundings.log('info', 'the connection to the peer ended', { peer, why });
        if (link.session === session) link.session = undefined;
        link.trouble = why;
        this.#changed();
      },
    });
    link.session = session;
    session.begin();
  }

  #answer(): void {
    const sessions = [...this.#links.values()].map(({ session }) => session);
    // A connection that broke may be there again before their time is over.
    for (const waiter of this.#waiters) {
      const { epoch, seq, objects } = waiter;
      if (sessions.some((session) => session?.holds(epoch, seq, objects) === true)) {
        waiter.end(true);
      }
    }
  }

  #changed(): void {
    this.#answer();
    for (const listener of this.#listeners) listener();
  }
}

/** Ends that a peer counts as slow once it is quick, or nobody has asked it for a while. */
function quicken(link: Link, { owes, answerTook }: Session, now: number): void {
  if (link.slow === undefined || owes >= quickMilliseconds) return;
  if (answerTook < quickMilliseconds) {
    link.slow = undefined;
    link.patience = firstPatience;
  } else if (now - link.slow > link.patience) {
    link.slow = undefined;
    link.patience = Math.min(link.patience * 2, longestPatience);
  }
}

function isPresent(link: Link): boolean {
  return stateOf(link) === 'present';
}

function stateOf({ session, slow, catchingUp }: Link): PeerView['state'] {
  if (session?.alive !== true) return 'away';
  if (!session.able) return 'unable';
  if (slow !== undefined) return 'slow';
  return catchingUp ? 'catching-up' : 'present';
}
