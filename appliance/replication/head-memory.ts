import { createHmac, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { replaceFile } from '../disk/durable-file.ts';
import type { Heads } from '../keystore/record-log.ts';
import type { Replica } from '../keystore/replica.ts';
import type { History } from './history.ts';
import type { Surroundings } from './surroundings.ts';

export interface HeadMemoryParts {
  /** A file beside the database, so that one may be put back without the other. */
  readonly path: string;
  readonly replica: Replica;
  /** The cluster's key for this: whoever has the disk alone cannot write the file anew. */
  readonly key: KeyObject;
  readonly onRecords: (listener: () => void) => () => void;
  readonly history: History;
  readonly surroundings: Surroundings;
}

interface Remembered {
  readonly node: string;
  readonly heads: Heads;
}

/** How soon after a commit it is remembered: what is younger than that may go unnoticed. */
const delayMilliseconds = 2_000;

/**
 * Remembers outside the database how far its records reached. A node that has no other one beside
 * it notices by this that an old database was put back; not that a whole old disk was.
 */
export class HeadMemory {
  readonly #parts: HeadMemoryParts;
  readonly #unsubscribe: () => void;
  #cancel: (() => void) | undefined;

  /** Compares what is remembered with what is there, before anybody is answered. */
  constructor(parts: HeadMemoryParts) {
    this.#parts = parts;
    const remembered = this.#read();
    if (remembered !== undefined) parts.history.lost(remembered.heads);
    parts.history.look();
    this.#unsubscribe = parts.onRecords(() => {
      parts.history.look();
      this.#soon();
    });
    this.#soon();
  }

  stop(): void {
    this.#unsubscribe();
    this.#cancel?.();
    this.#write();
  }

  #soon(): void {
    this.#cancel ??= this.#parts.surroundings.after(delayMilliseconds, () => {
      this.#cancel = undefined;
      this.#write();
    });
  }

  /** While records are missing the file stays, so that a start does not forget them. */
  #write(): void {
    const { path, replica, history, surroundings } = this.#parts;
    if (history.wound !== undefined) {
      this.#soon();
      return;
    }
    const text = JSON.stringify({
      node: replica.node,
      heads: replica.heads(),
    } satisfies Remembered);
    try {
      replaceFile(path, Buffer.from(JSON.stringify({ text, mac: this.#mac(text) })));
    } catch (error) {
      const said = error instanceof Error ? error.message : 'unknown';
      surroundings.log('warn', 'how far the records reach was not remembered', { error: said });
    }
  }

  #read(): Remembered | undefined {
    const { path, replica, surroundings } = this.#parts;
    try {
      const { text, mac } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
      const given = Buffer.from(mac ?? '', 'hex');
      const right = Buffer.from(this.#mac(text ?? ''), 'hex');
      if (given.length !== right.length || !timingSafeEqual(given, right))
        throw new Error('changed');
      const remembered = JSON.parse(text ?? '') as Remembered;
      return remembered.node === replica.node ? remembered : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      // Of another cluster that was here before, or changed: it says nothing that can be believed.
      surroundings.log('warn', 'what was remembered of the records cannot be believed', { path });
      return undefined;
    }
  }

  #mac(text: string): string {
    return createHmac('sha256', this.#parts.key).update(text).digest('hex');
  }
}
