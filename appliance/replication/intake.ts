import { KeystoreError } from '../keystore/error.ts';
import type { Entry } from '../keystore/exchange.ts';
import type { Replica } from '../keystore/replica.ts';
import type { Past } from './past.ts';
import { pause } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';

const retryMilliseconds = 1_000;
/** Then the sender is asked again: it may have sealed anew what this keeper cannot open. */
const retriesMost = 5;
/** While records are stored nobody is served: for so long at once, where somebody asks. */
const busyMilliseconds = 8;
const quietMilliseconds = 50;
const fewest = 4;
const most = 64;

export interface IntakeParts {
  readonly replica: Replica;
  readonly surroundings: Surroundings;
  readonly peer: string;
  /** This node's past is not what others hold of it. */
  readonly past: (past: Past) => void;
  /** Whether the connection still stands. */
  readonly open: () => boolean;
}

/**
 * Takes what a peer sends into the keystore. After a long absence that is very much, and clients
 * ask meanwhile: then it goes in small pieces, and between them as much time is left to clients as
 * a piece took.
 */
export class Intake {
  readonly #parts: IntakeParts;
  #size = fewest;
  #took = 0;
  #ended = 0;
  #asked = 0;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /**
   * Takes the entries of one message: all of them, or those before a gap. `much`: whether a great
   * deal more follows. False where a record before them is missing. Throws what the keystore does.
   */
  async take(entries: readonly Entry[], much: boolean): Promise<boolean> {
    if (!much) return this.#ingest(entries);
    for (let from = 0; from < entries.length && this.#parts.open();) {
      const busy = await this.#leaveTime();
      const piece = entries.slice(from, from + this.#size);
      from += piece.length;
      const begun = this.#parts.surroundings.elapsed();
      if (!(await this.#ingest(piece))) return false;
      this.#ended = this.#parts.surroundings.elapsed();
      this.#took = this.#ended - begun;
      const wanted = busy ? busyMilliseconds : quietMilliseconds;
      this.#adapt((piece.length * wanted) / Math.max(this.#took, 0.1));
    }
    return true;
  }

  /** Waits where clients asked since the last piece; gives whether they did. */
  async #leaveTime(): Promise<boolean> {
    const { replica, surroundings } = this.#parts;
    const { asked } = replica;
    const busy = asked !== this.#asked;
    const rest = this.#took - (surroundings.elapsed() - this.#ended);
    // Also where nobody asked: who is about to has to be heard.
    await pause(surroundings, busy && rest > 0 ? rest : 0);
    this.#asked = asked;
    return busy;
  }

  /** At most twice or half as many as before: one slow flush says little. */
  #adapt(fitting: number): void {
    const near = Math.min(this.#size * 2, Math.max(this.#size / 2, fitting));
    this.#size = Math.round(Math.min(most, Math.max(fewest, near)));
  }

  async #ingest(entries: readonly Entry[]): Promise<boolean> {
    const { replica, surroundings, peer, past, open } = this.#parts;
    for (let tries = 1; open(); tries++) {
      try {
        const { regained, forks } = await replica.ingest(entries, peer);
        for (const { node, epoch, seq } of forks) {
          if (node === replica.node) past({ why: 'fork', epoch, seq });
        }
        if (regained !== undefined) past({ why: 'rollback', ...regained });
        return true;
      } catch (error) {
        if (!(error instanceof KeystoreError)) throw error;
        if (error.code === 'record-gap') return false;
        // A keeper that cannot open now may do so later; everything else ends the connection.
        if (error.code !== 'keeper-unavailable' || tries === retriesMost) throw error;
        surroundings.log('warn', 'the keeper cannot open what the peer sends', {});
        await pause(surroundings, retryMilliseconds);
      }
    }
    return true;
  }
}
