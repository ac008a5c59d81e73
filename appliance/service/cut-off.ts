import type { Replica } from '../keystore/replica.ts';
import type { Log } from './log.ts';

const name = 'cut-off';

/** Whether another node has said that this one was removed: kept for good, through restarts. */
export class CutOff {
  readonly #replica: Replica;
  readonly #log: Log;
  #stands: boolean;

  constructor(replica: Replica, log: Log) {
    this.#replica = replica;
    this.#log = log;
    this.#stands = replica.recall(name) !== undefined;
  }

  get stands(): boolean {
    return this.#stands;
  }

  async note(): Promise<void> {
    if (this.#stands) return;
    this.#stands = true;
    this.#log('error', 'this node was removed from its cluster: it makes no key any more');
    await this.#replica.remember(name, 'yes');
  }
}
