import { hash } from 'node:crypto';
import type { Heads } from '../keystore/record-log.ts';
import type { Replica } from '../keystore/replica.ts';
import type { Beat } from './message.ts';
import { pause } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';

type Digest = NonNullable<Beat['digest']>;

/** Two nodes that hold the same records compare what they made of them this often. */
const intervalMilliseconds = 600_000;

/**
 * Compares the folded states of two nodes that stand at the same records: a digest of the tables
 * shows what heads cannot, that rows were lost. Whoever sees a difference folds anew from its
 * records, and asks for secrets that are gone.
 */
export class StateComparison {
  readonly #replica: Replica;
  readonly #surroundings: Surroundings;
  /** Whether the states were equal when they were compared last. */
  equal: boolean | undefined;
  #own: Digest | undefined;
  #said: string | undefined;
  #last = -intervalMilliseconds;
  #busy = false;
  #refolded = false;

  constructor(replica: Replica, surroundings: Surroundings) {
    this.#replica = replica;
    this.#surroundings = surroundings;
  }

  /** The digest to say to a peer that stands at `theirs`; undefined where nothing is due. */
  own(theirs: Heads): Digest | undefined {
    const at = nameOf(this.#replica.heads());
    if (nameOf(theirs) !== at) return undefined;
    const due = this.#surroundings.elapsed() - this.#last >= intervalMilliseconds;
    if (due || this.equal === false) void this.#compute();
    if (this.#own?.at !== at || this.#said === this.#own.digest) return undefined;
    this.#said = this.#own.digest;
    return this.#own;
  }

  /** What the peer makes of the records at which it stands. */
  compare(theirs: Digest): void {
    this.#compare(theirs).catch((error: unknown) => {
      const text = error instanceof Error ? error.message : 'unknown';
      this.#surroundings.log('error', 'the state could not be folded anew', { error: text });
    });
  }

  async #compare(theirs: Digest): Promise<void> {
    const { log } = this.#surroundings;
    if (nameOf(this.#replica.heads()) !== theirs.at) return;
    await this.#compute();
    const own = this.#own;
    if (own?.at !== theirs.at || own.fold !== theirs.fold) return;
    this.equal = own.digest === theirs.digest;
    if (this.equal || this.#refolded) return;
    log('error', 'the peer holds another state of the same records: folding anew', {});
    // Once for each connection: where folding does not help, a person has to look.
    this.#refolded = true;
    await this.#replica.refold();
    await this.#compute();
    this.equal = this.#own?.digest === theirs.digest;
    this.#said = undefined;
    if (this.equal) log('warn', 'rows that were lost are there again', {});
  }

  async #compute(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      this.#last = this.#surroundings.elapsed();
      const at = nameOf(this.#replica.heads());
      const digest = await this.#replica.digest(() => pause(this.#surroundings, 0));
      this.#own = nameOf(this.#replica.heads()) === at ? { ...digest, at } : undefined;
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      this.#surroundings.log('debug', 'no digest now', { error: text });
    } finally {
      this.#busy = false;
    }
  }
}

/** One short name for where a node stands. */
function nameOf(heads: Heads): string {
  const sorted = Object.entries(heads).sort(([a], [b]) => (a < b ? -1 : 1));
  return hash('sha256', JSON.stringify(sorted), 'hex').slice(0, 32);
}
