import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../disk/durable-file.ts';
import { placeAfter } from '../keeper-client/console-act.ts';
import type { ActPlace, ConsoleAct, ConsoleActs } from '../keeper-client/console-act.ts';
import type { KeeperLog } from './keeper-options.ts';

/** So many acts wait for a server that does not come; those beyond are counted. */
const actsMost = 500;

/**
 * What persons did at the console, until the server has it in its audit: the keeper has no audit
 * of its own, and is asked while no server runs. Each act is flushed before it is answered. What
 * the disk does not take waits in memory: no act fails because it could not be written down.
 */
export class ActList {
  readonly #path: string;
  readonly #now: () => number;
  readonly #random: (bytes: number) => Buffer;
  readonly #log: KeeperLog;
  /** Undefined before the first act of all. */
  #kept: ConsoleActs | undefined;
  #last: ActPlace | undefined;

  constructor(parts: {
    readonly folder: string;
    readonly now: () => number;
    readonly random: (bytes: number) => Buffer;
    readonly log: KeeperLog;
  }) {
    this.#path = join(parts.folder, 'console-acts.json');
    this.#now = parts.now;
    this.#random = parts.random;
    this.#log = parts.log;
    this.#kept = this.#read();
    this.#last = this.#kept?.acts.reduce(placeAfter, this.#kept.after);
  }

  /** Never throws. */
  add(done: Omit<ConsoleAct, 'time'>): void {
    const kept = (this.#kept ??= this.#begun());
    const last = (this.#last ??= kept.after);
    const act = { time: this.#now(), ...done };
    const next = placeAfter(last, act);
    const { act: name, object, outcome, reason } = act;
    const fields = { request: `console-${next.seq}`, act: name, object, outcome, reason };
    this.#log(outcome === 'success' ? 'info' : 'warn', 'an act at the console', fields);
    if (kept.acts.length < actsMost) {
      this.#kept = { ...kept, acts: [...kept.acts, act] };
      this.#last = next;
    } else this.#kept = { ...kept, lost: kept.lost + 1 };
    this.#write();
  }

  /** What waits for a server; undefined before the first act of all. */
  waiting(): ConsoleActs | undefined {
    return this.#kept;
  }

  /** Forgets what a server has in its audit. Never throws: what it gets twice it knows. */
  taken(upTo: ActPlace): void {
    let place = this.#kept?.after;
    for (const [i, act] of (this.#kept?.acts ?? []).entries()) {
      if (this.#kept === undefined || place === undefined) return;
      place = placeAfter(place, act);
      if (place.seq !== upTo.seq) continue;
      if (place.hash !== upTo.hash) return;
      this.#kept = { ...this.#kept, after: place, acts: this.#kept.acts.slice(i + 1) };
      this.#write();
      return;
    }
  }

  #begun(): ConsoleActs {
    return { after: { seq: 0, hash: this.#random(32).toString('hex') }, lost: 0, acts: [] };
  }

  #write(): void {
    try {
      replaceFile(this.#path, Buffer.from(JSON.stringify(this.#kept)));
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      this.#log('error', 'an act at the console cannot be written down yet', { error: text });
    }
  }

  #read(): ConsoleActs | undefined {
    if (!existsSync(this.#path)) return undefined;
    try {
      const { after, lost, acts } = JSON.parse(readFileSync(this.#path, 'utf8')) as ConsoleActs;
      const isPlace = Number.isSafeInteger(after.seq) && /^[\da-f]{64}$/.test(after.hash);
      if (!isPlace || !Array.isArray(acts)) throw new Error('it is no list');
      return { after, lost, acts };
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      this.#log('error', 'the acts at the console cannot be read', { error: text });
      return undefined;
    }
  }
}
