interface Event {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

/** How many turns of the event loop settle whatever one event set going. */
const turnsMost = 16;

/** Simulated time: events in the order of their moments, nothing between them. */
export class Timeline {
  /** Milliseconds since the beginning. */
  elapsed = 0;
  /** Called when an event and its consequences are over. */
  onSettled: () => Promise<void> = () => Promise.resolve();
  #order = 0;
  #events: Event[] = [];

  /** Calls once, so many milliseconds from now; what it gives back cancels that. */
  after(milliseconds: number, act: () => void): () => void {
    const event = { at: this.elapsed + Math.max(0, milliseconds), order: this.#order++, act };
    const before = ({ at }: Event): boolean => at <= event.at;
    const index = this.#events.findLastIndex(before) + 1;
    this.#events.splice(index, 0, event);
    return () => {
      this.#events = this.#events.filter((each) => each !== event);
    };
  }

  /** Lets events happen up to a moment. */
  async runTo(moment: number): Promise<void> {
    for (;;) {
      const [event] = this.#events;
      if (event === undefined || event.at > moment) break;
      this.#events.shift();
      this.elapsed = event.at;
      event.act();
      await settle();
      await this.onSettled();
    }
    this.elapsed = moment;
  }
}

/** Promises and commits that wait for nothing but their turn come to their end. */
export async function settle(turns = turnsMost): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}
