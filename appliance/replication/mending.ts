import type { Replica } from '../keystore/replica.ts';
import {
  decodeEntries,
  encodeEntries,
  messageBytes,
  messageKind,
  placesMost,
  readPlaces,
  toJson,
} from './message.ts';
import type { Surroundings } from './surroundings.ts';

const askMilliseconds = 5_000;

export interface MendingParts {
  readonly replica: Replica;
  readonly surroundings: Surroundings;
  readonly peer: string;
  readonly send: (kind: number, payload: Uint8Array) => void;
}

/** Has from the peer what is stored here and is damaged, and gives it what is damaged there. */
export class Mending {
  readonly #parts: MendingParts;
  #due = 0;

  constructor(parts: MendingParts) {
    this.#parts = parts;
  }

  /** Asks for what is damaged, every few seconds: with each heartbeat. */
  look(): void {
    const { replica, surroundings, send } = this.#parts;
    if (surroundings.elapsed() < this.#due) return;
    const places = replica.unsound(placesMost);
    if (places.length === 0) return;
    this.#due = surroundings.elapsed() + askMilliseconds;
    send(messageKind.want, toJson({ places }));
  }

  /** The peer asks. */
  asked(payload: Buffer): void {
    const entries = this.#parts.replica.at(readPlaces(payload));
    let bytes = 0;
    const fitting = entries.filter(({ body, sealed }) => {
      bytes += body.length + (sealed?.length ?? 0) + 256;
      return bytes < messageBytes;
    });
    if (fitting.length > 0) this.#parts.send(messageKind.wanted, encodeEntries(fitting));
  }

  /** The peer answers. What it has may be damaged too: then others have to be asked. */
  async came(payload: Buffer): Promise<void> {
    const { replica, surroundings, peer } = this.#parts;
    const before = replica.scrub.view.unsound;
    for (const entry of decodeEntries(payload)) {
      await replica.ingest([entry], peer).catch((error: unknown) => {
        const text = error instanceof Error ? error.message : 'unknown';
        surroundings.log('error', 'a damaged record was not mended', { error: text });
      });
    }
    const mended = before - replica.scrub.view.unsound;
    if (mended > 0) surroundings.log('warn', 'damaged records were had from the peer', { mended });
  }
}
