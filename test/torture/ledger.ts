/** What a client was told of one key, and by whom. */
export interface Key {
  readonly id: string;
  /** The place whose node answered the creation. */
  readonly place: string;
  /** The material in hexadecimal, as it was first given out. */
  hex?: string;
  /** Who answered that, and when (milliseconds of the run). */
  activated?: Word | undefined;
  destroyed?: Word | undefined;
  /** Whether it was told to a node that was lost before it could pass that on. */
  uncertain?: boolean;
}

interface Word {
  readonly place: string;
  readonly at: number;
}

/** What was promised to clients, and how often they were served. */
export class Ledger {
  readonly keys = new Map<string, Key>();
  readonly reads = { answered: 0, unanswered: 0, expected: 0 };
  /** What no fault excuses, as sentences. */
  readonly wrongs: string[] = [];
  /** How many new root keys and wrapping keys were begun. */
  rotations = 0;
  refused = 0;
  unanswered = 0;
  #down = 0;
  #outages = 0;

  created(id: string, place: string): Key {
    if (this.keys.has(id)) this.wrongs.push(`${id} was created twice`);
    const key: Key = { id, place };
    this.keys.set(id, key);
    return key;
  }

  /** A node gave this material out. */
  given(key: Key, hex: string, place: string): void {
    key.hex ??= hex;
    if (key.hex !== hex) this.wrongs.push(`${key.id} has another material at ${place}`);
  }

  /** Both nodes are down from now on, by order. */
  beginOutage(): void {
    this.#down++;
    this.#outages++;
  }

  endOutage(): void {
    this.#down--;
  }

  /** A mark to say later whether an outage has touched what began now. */
  mark(): number {
    return this.#down > 0 ? -1 : this.#outages;
  }

  read(answered: boolean, mark: number): void {
    if (answered) this.reads.answered++;
    else if (mark < 0 || this.#down > 0 || mark !== this.#outages) this.reads.expected++;
    else this.reads.unanswered++;
  }

  /**
   * A node was lost: what it alone was told since then, and what needs no second copy before it is
   * answered, may be lost with it.
   */
  lost(place: string, since: number): void {
    for (const key of this.keys.values()) {
      if (isLost(key.activated, place, since)) key.activated = undefined;
      if (isLost(key.destroyed, place, since)) key.uncertain = true;
    }
  }

  /** The share of reads that at least one node answered while one was up. */
  get availability(): number {
    const { answered, unanswered } = this.reads;
    return answered + unanswered === 0 ? 1 : answered / (answered + unanswered);
  }
}

function isLost(word: Word | undefined, place: string, since: number): boolean {
  return word !== undefined && word.place === place && word.at >= since;
}
