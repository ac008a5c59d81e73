import type { KeeperClient } from '../keeper-client/client.ts';
import type { SealedFiles } from '../keystore/sealed-file.ts';
import type { SqliteKeystore } from '../keystore/store.ts';
import { KeyWatch } from './key-watch.ts';
import type { Log } from './log.ts';

const pauseMilliseconds = 1_000;
const batch = 256;
/**
 * What was sealed before the rotation is committed by then: a sealing waits for the keeper at most
 * 10 s, and what comes later than this all the same is refused, not lost.
 */
const settleMilliseconds = 15_000;

export interface RotationParts {
  readonly keystore: SqliteKeystore;
  readonly files: SealedFiles;
  readonly keeper: KeeperClient;
  readonly log: Log;
}

/**
 * Brings everything under the written generation of the wrapping key, whenever the keeper has an
 * older one too: after a rotation, and after a start that found one cut short.
 */
export class Rotation {
  readonly #parts: RotationParts;
  readonly #watch: KeyWatch;
  #left: number | undefined;
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
    this.#again(pauseMilliseconds);
  }

  /** How many secrets still have to be sealed anew; undefined while no rotation goes on. */
  get left(): number | undefined {
    return this.#left;
  }

  /** What is wrong with the keeper's slot table, for the status. */
  alarms(): string[] {
    return this.#watch.alarms();
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
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      if (!this.#stopped) this.#parts.log('warn', 'the rotation waits', { error: text });
    }
    this.#again(pauseMilliseconds);
  }

  async #rotate(generation: Buffer, older: readonly string[]): Promise<void> {
    const { keystore, files, keeper, log } = this.#parts;
    const id = generation.toString('hex');
    if (this.#left === undefined) log('info', 'sealing everything anew', { generation: id });
    this.#left = keystore.outdated(generation);
    await files.rewrap(generation);
    if (this.#left > 0) {
      await this.#pass(generation);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, settleMilliseconds));
    if (this.#stopped || keystore.outdated(generation) > 0) return;
    // A file may have come meanwhile, and another rotation begun: only these have nothing left.
    await files.rewrap(generation);
    keystore.retire(older);
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
    for (let after: string | undefined = ''; after !== undefined && !this.#stopped;) {
      const done = await keystore.rewrap({ generation, after, limit: batch });
      this.#left = Math.max(0, (this.#left ?? 0) - done.rewrapped);
      for (const object of done.failed) {
        log('error', 'a secret cannot be sealed anew; its generation is kept', { object });
      }
      after = done.after;
    }
  }
}
