import type { Heads } from '../keystore/record-log.ts';
import type { Replica } from '../keystore/replica.ts';
import type { StateDigest } from '../keystore/state-digest.ts';
import type { Comparison } from './message.ts';
import { reaches } from './past.ts';
import { pause } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';

/** Two nodes compare what they made of the same records this often. */
const intervalMilliseconds = 600_000;
/** While they differ, and where an answer does not come. */
const soonMilliseconds = 10_000;

export interface StateComparisonParts {
  readonly replica: Replica;
  readonly surroundings: Surroundings;
  readonly peer: string;
  /** Whether the peer has a great deal that is not here: what is equal by now says little then. */
  readonly behind: () => boolean;
  readonly say: (comparison: Comparison) => void;
}

/**
 * Compares the folded states of two nodes at heads that both have reached, however much is written
 * meanwhile: a digest of the tables shows what heads cannot, that rows were lost. One of both asks
 * where it stands, the other answers once it holds the same records. Whoever sees a difference
 * folds anew from its records, and asks for secrets that are gone.
 */
export class StateComparison {
  readonly #parts: StateComparisonParts;
  /** Whether the states were equal when they were compared last. */
  equal: boolean | undefined;
  /** What this node asked last; and what it was asked and cannot answer yet. */
  #asked: StateDigest | undefined;
  #waiting: Comparison | undefined;
  #due = 0;
  #busy = false;
  #refolded = false;
  /** Whether this node has just folded anew: the other one still believes that they differ. */
  #again = false;

  constructor(parts: StateComparisonParts) {
    this.#parts = parts;
  }

  /** Asks where it is time to, and answers what can be answered by now: with each heartbeat. */
  look(): void {
    if (this.#busy) return;
    const { replica, surroundings, peer } = this.#parts;
    const waiting = this.#waiting;
    if (waiting?.heads !== undefined && reaches(replica.heads(), waiting.heads)) {
      this.#waiting = undefined;
      this.#doing(() => this.#answer(waiting, waiting.heads ?? {}));
    }
    // One of both is enough; the other one asks where it never hears of that.
    const mine = replica.node < peer;
    if (surroundings.elapsed() < this.#due || !mine || this.#parts.behind()) return;
    const unanswered = this.#asked !== undefined;
    this.#due = surroundings.elapsed() + (unanswered ? intervalMilliseconds : soonMilliseconds);
    this.#doing(() => this.#ask());
  }

  /** What the peer makes of the records up to some heads: a question, or the answer to one. */
  heard(theirs: Comparison): void {
    if (theirs.heads !== undefined) {
      this.#waiting = theirs;
      this.look();
      return;
    }
    const asked = this.#asked;
    this.#asked = undefined;
    if (asked !== undefined) this.#doing(() => this.#judge(asked, theirs));
  }

  async #ask(): Promise<void> {
    const { replica, say } = this.#parts;
    this.#asked = await this.#digestAt(replica.heads());
    if (this.#asked !== undefined) say(this.#asked);
  }

  async #answer(theirs: Comparison, heads: Heads): Promise<void> {
    const own = await this.#compared(theirs, heads);
    if (own !== undefined) this.#parts.say({ fold: own.fold, digest: own.digest });
  }

  async #judge(asked: StateDigest, theirs: Comparison): Promise<void> {
    const { surroundings } = this.#parts;
    await this.#compared(theirs, asked.heads);
    const wait = this.equal === false || this.#again ? soonMilliseconds : intervalMilliseconds;
    this.#due = surroundings.elapsed() + wait;
  }

  async #compared(theirs: Comparison, heads: Heads): Promise<StateDigest | undefined> {
    const { replica, surroundings } = this.#parts;
    this.#again = false;
    const own = await this.#digestAt(heads);
    if (own === undefined || own.fold !== theirs.fold) return own;
    this.equal = own.digest === theirs.digest;
    if (this.equal || this.#refolded) return own;
    const text = 'the peer holds another state of the same records: folding anew';
    surroundings.log('error', text, {});
    // Once for each connection: where folding does not help, a person has to look.
    this.#refolded = true;
    await replica.refold();
    const anew = await this.#digestAt(heads);
    this.equal = anew?.digest === theirs.digest;
    this.#again = anew?.digest !== own.digest;
    if (this.#again) surroundings.log('warn', 'rows that were lost are there again', {});
    return anew;
  }

  #digestAt(heads: Heads): Promise<StateDigest | undefined> {
    const { replica, surroundings } = this.#parts;
    return replica.digestAt(() => pause(surroundings, 0), heads);
  }

  /** One thing at a time; an answer that comes meanwhile is asked for again. */
  #doing(act: () => Promise<void>): void {
    if (this.#busy) return;
    this.#busy = true;
    act()
      .catch((error: unknown) => {
        const text = error instanceof Error ? error.message : 'unknown';
        this.#parts.surroundings.log('error', 'the states were not compared', { error: text });
      })
      .finally(() => {
        this.#busy = false;
      });
  }
}
