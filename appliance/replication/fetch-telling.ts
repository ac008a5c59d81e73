import type { Replica } from '../keystore/replica.ts';
import { fetchesMost, messageKind, readFetches, toJson } from './message.ts';
import type { Fetches } from './message.ts';

/**
 * Tells the other node when clients fetched what last, as far as this node answered them: a hint
 * for whoever is about to destroy a key. Nothing waits for it and nothing is acknowledged.
 */
export class FetchTelling {
  readonly #replica: Replica;
  readonly #send: (kind: number, payload: Uint8Array) => void;
  #told = 0;

  constructor(replica: Replica, send: (kind: number, payload: Uint8Array) => void) {
    this.#replica = replica;
    this.#send = send;
  }

  /** Tells what is new since it was told last, so many at a time. */
  say(): void {
    const { fetches, change } = this.#replica.newerFetches(this.#told, fetchesMost);
    this.#told = change;
    if (fetches.length === 0) return;
    const told = fetches.map(({ object, time, client }) => [object, time, client] as const);
    this.#send(messageKind.fetched, toJson({ fetches: told } satisfies Fetches));
  }

  /** Takes over what was told. A hint that cannot be kept, on a full disk, ends no link. */
  async heard(payload: Buffer): Promise<void> {
    await this.#replica.ingestFetches(readFetches(payload)).catch(() => undefined);
  }
}
