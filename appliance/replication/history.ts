import type { Heads } from '../keystore/record-log.ts';
import type { Replica } from '../keystore/replica.ts';
import { reaches } from './past.ts';
import type { Past } from './past.ts';
import type { Session } from './session.ts';
import type { Surroundings } from './surroundings.ts';

/** What a node found about its own past and has not mended yet. */
export interface Wound {
  readonly why: 'rollback' | 'fork';
  readonly epoch: string;
}

interface Healing extends Wound {
  readonly common: number;
  readonly before: number;
  /** Where the peer stood: everything up to there comes back first. */
  readonly wanted: Heads;
}

/** Where a rollback that is not healed yet is kept over restarts. */
const woundName = 'wound';

/**
 * Heals a node whose disk was put back: it reads only, takes back what others hold, and then begins
 * a new epoch, in which it says again what it had said in a life that others do not know.
 */
export class History {
  readonly #replica: Replica;
  readonly #surroundings: Surroundings;
  #healing: Healing | undefined;
  #busy = false;

  constructor(replica: Replica, surroundings: Surroundings) {
    this.#replica = replica;
    this.#surroundings = surroundings;
    const kept = replica.recall(woundName) ?? '';
    if (kept !== '') this.#healing = JSON.parse(kept) as Healing;
  }

  get wound(): Wound | undefined {
    return this.#healing;
  }

  /** A peer remembers another past than this node's. */
  found(past: Past, session: Session): void {
    void this.#found(past, session).catch((error: unknown) => {
      this.#busy = false;
      const text = error instanceof Error ? error.message : 'unknown';
      this.#surroundings.log('error', 'the healing waits', { error: text });
    });
  }

  /** A healing that a restart cut short goes on when a peer is met. */
  met(session: Session): void {
    this.look();
    const [epoch] = this.#replica.unhealed();
    if (this.#healing !== undefined || epoch === undefined) return;
    this.#begin({ why: 'fork', epoch, seq: 0 }, 0, session.view.heads);
    this.look();
  }

  /**
   * This node itself remembers records that are not in its database: an old one was put back.
   * Where they come from does not matter: the other node, a journal or a backup.
   */
  lost(remembered: Heads): void {
    const held = this.#replica.heads();
    // Records that were put aside stood at these places rightly, and do no more.
    const aside = this.#replica.unhealed();
    const left = this.#replica.leftBehind();
    const gone = Object.entries(remembered).filter(
      ([epoch, [seq]]) =>
        seq > Math.max(held[epoch]?.[0] ?? 0, left[epoch]?.[0] ?? 0) && !aside.includes(epoch),
    );
    const [first] = gone;
    if (first === undefined || this.#healing !== undefined) return;
    const [epoch] = first;
    const common = held[epoch]?.[0] ?? 0;
    this.#begin({ why: 'rollback', epoch, seq: common }, common, Object.fromEntries(gone));
  }

  /** How many records are missing of what this node waits for. */
  get missing(): number {
    const held = this.#replica.heads();
    return Object.entries(this.#healing?.wanted ?? {}).reduce(
      (total, [epoch, [seq]]) => total + Math.max(0, seq - (held[epoch]?.[0] ?? 0)),
      0,
    );
  }

  /** A person says that what is missing is lost: goes on without it. False where nothing waits. */
  async accept(): Promise<boolean> {
    const healing = this.#healing;
    if (healing === undefined || this.#busy) return false;
    await this.#end(healing);
    return true;
  }

  /** Ends the healing when everything is back. */
  look(): void {
    const healing = this.#healing;
    if (healing === undefined || this.#busy) return;
    if (!reaches(this.#replica.heads(), healing.wanted)) return;
    void this.#end(healing);
  }

  async #found(past: Past, session: Session): Promise<void> {
    const { log } = this.#surroundings;
    if (past.why === 'rollback') {
      if (this.#healing === undefined) this.#begin(past, past.seq, session.view.heads);
      this.look();
      return;
    }
    if (this.#replica.authorOf(past.epoch) !== this.#replica.node) {
      log('error', 'a third node’s records differ here and there', { ...past });
      return;
    }
    if (this.#busy) return;
    this.#busy = true;
    const common = await this.#lastCommon(past.epoch, past.seq, session);
    if (common !== undefined) {
      this.#begin(past, common, session.view.heads);
      const next = this.#surroundings.random(16).toString('hex');
      const aside = await this.#replica.putAside(past.epoch, common, next);
      log('error', 'records were put aside: others stand at the peer', { ...past, aside });
      session.resync();
    }
    this.#busy = false;
    this.look();
  }

  #begin({ why, epoch }: Past, common: number, wanted: Heads): void {
    const before = sum(this.#replica.heads());
    this.#healing = { why, epoch, common, before, wanted };
    // Were it forgotten when what was missing is back, nobody would be told that it was.
    if (why === 'rollback') this.#keep(JSON.stringify(this.#healing));
    const text = 'this node was put back to an older disk: it reads only until it is healed';
    this.#surroundings.log('error', text, { why, epoch, common });
  }

  #keep(wound: string): void {
    this.#replica.remember(woundName, wound).catch((error: unknown) => {
      const text = error instanceof Error ? error.message : 'unknown';
      this.#surroundings.log('warn', 'a wound could not be noted', { error: text });
    });
  }

  /** The last place of an epoch at which both have the same record; by halves. */
  async #lastCommon(epoch: string, seq: number, session: Session): Promise<number | undefined> {
    let same = 0;
    let differs = Math.min(seq, this.#replica.heads()[epoch]?.[0] ?? 0) + 1;
    while (differs - same > 1) {
      const middle = Math.floor((same + differs) / 2);
      const there = await session.trace(epoch, middle);
      if (!session.alive) return undefined;
      if (there !== undefined && there === this.#replica.hashAt(epoch, middle)) same = middle;
      else differs = middle;
    }
    return same;
  }

  async #end({ why, epoch, common, before }: Healing): Promise<void> {
    this.#busy = true;
    try {
      const recovered = Math.max(0, sum(this.#replica.heads()) - before);
      const next = this.#surroundings.random(16).toString('hex');
      await this.#replica.endHealing({ why, epoch, common, recovered }, next);
      this.#healing = undefined;
      this.#keep('');
      this.#surroundings.log('warn', 'this node is healed', { why, epoch, recovered });
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      this.#surroundings.log('error', 'the healing waits', { error: text });
    } finally {
      this.#busy = false;
    }
  }
}

function sum(heads: Heads): number {
  return Object.values(heads).reduce((total, [seq]) => total + seq, 0);
}
