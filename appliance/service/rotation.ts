import type { KeeperClient } from '../keeper-client/client.ts';
import type { SealedFiles } from '../keystore/sealed-file.ts';
import type { Place } from '../keystore/rewrap.ts';
import type { SqliteKeystore } from '../keystore/store.ts';
import { KeyWatch } from './key-watch.ts';
import type { Log } from './log.ts';

const batch = 256;

/** How long it waits, in milliseconds. */
interface Pauses {
  /** Between two looks at the keeper. */
  readonly look: number;
  /** The same while only another node or a person can help. */
  readonly stuck: number;
  /**
   * What was sealed before the rotation is committed by then: a sealing waits for the keeper at
   * most 10 s, and what comes later than this all the same is refused, not lost.
   */
  readonly settle: number;
}

const usual: Pauses = { look: 1_000, stuck: 60_000, settle: 15_000 };

export interface RotationParts {
  readonly keystore: SqliteKeystore;
  readonly files: SealedFiles;
  readonly keeper: Pick<KeeperClient, 'status' | 'retire'>;
  readonly log: Log;
  readonly pauses?: Pauses;
}

/**
 * Brings everything under the written generation of the wrapping key, whenever the keeper has an
 * older one too: after a rotation, and after a start that found one cut short.
 */
export class Rotation {
  readonly #parts: RotationParts;
  readonly #watch: KeyWatch;
  readonly #pauses: Pauses;
  #left: number | undefined;
  /** Secrets that could not be sealed anew, each said once. */
  #failed: Set<string> = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: RotationParts) {
    this.#parts = parts;
    const { keystore, log } = parts;
    const { replica } = keystore;
    this.#watch = new KeyWatch({
      recall: (name) => replica.recall(name),
      remember: (name, value) => replica.remember(name, value),
      note: (entry) => {
        keystore.note(entry);
      },
      log,
    });
    this.#pauses = parts.pauses ?? usual;
    this.#again(this.#pauses.look);
  }

  /** How many secrets still have to be sealed anew; undefined while no rotation goes on. */
  get left(): number | undefined {
    return this.#left;
  }

  /** What is wrong with the keeper's slot table or keeps a rotation from its end. */
  alarms(): string[] {
    const { size } = this.#failed;
    const what = size === 1 ? 'a key opens' : `${size} keys open`;
    return [
      ...this.#watch.alarms(),
      ...(size === 0 ? [] : [`${what} no more, and the wrapping key stays: restore a backup`]),
    ];
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #again(milliseconds: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#look(), milliseconds);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    try {
      const { keeper } = this.#parts;
      const status = await keeper.status();
      await this.#watch.look(status);
      const { state, generation, older } = status;
      if (state === 'open' && generation !== undefined && older !== undefined) {
        await this.#rotate(Buffer.from(generation, 'hex'), older);
      } else {
        this.#left = undefined;
        this.#failed.clear();
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      if (!this.#stopped) this.#parts.log('warn', 'the rotation waits', { error: text });
    }
    this.#again(this.#failed.size === 0 ? this.#pauses.look : this.#pauses.stuck);
  }

  async #rotate(generation: Buffer, older: readonly string[]): Promise<void> {
    const { keystore, files, keeper, log } = this.#parts;
    const id = generation.toString('hex');
    if (this.#left === undefined) log('info', 'sealing everything anew', { generation: id });
    this.#left = await keystore.outdated(generation);
    await files.rewrap(generation);
    if (this.#left > 0) {
      await this.#pass(generation);
      return;
    }
    this.#failed.clear();
    await new Promise((resolve) => setTimeout(resolve, this.#pauses.settle));
    if (this.#stopped) return;
    // Before it is counted: nothing can be stored behind the count's back.
    keystore.retire(older);
    if ((await keystore.outdated(generation)) > 0) return;
    // A file may have come meanwhile, and another rotation begun: only these have nothing left.
    await files.rewrap(generation);
    await keeper.retire(older);
    // Another node may still need them: asked again until it does not.
    if ((await keeper.status()).older !== undefined) return;
    this.#left = undefined;
    const entry = { request: '', actor: 'node', outcome: 'success' } as const;
    keystore.note({ ...entry, act: 'wrapping key rotated' });
    log('info', 'everything is sealed under the new wrapping key', { generation: id });
  }

  async #pass(generation: Buffer): Promise<void> {
    const { keystore, log } = this.#parts;
    const failed = new Set<string>();
    let after: Place | undefined;
    do {
      const done = await keystore.rewrap({ generation, limit: batch, ...(after && { after }) });
      this.#left = Math.max(0, (this.#left ?? 0) - done.rewrapped);
      for (const object of done.failed) {
        failed.add(object);
        if (this.#failed.has(object)) continue;
        this.#failed.add(object);
        log('error', 'a secret cannot be sealed anew; its generation is kept', { object });
      }
      after = done.after;
    } while (after !== undefined && !this.#stopped);
    if (!this.#stopped) this.#failed = failed;
  }
}
