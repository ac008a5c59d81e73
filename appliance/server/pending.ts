import { CancellationResult, ProcessingStage, ResultReason } from '../kmip/enumeration.ts';
import type { Operation } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import type { ResponseBatchItem } from '../kmip/message.ts';
import type { PendingRequest } from '../operation/operation.ts';
import { serverLimits } from './limit.ts';

interface Started {
  readonly client: string;
  readonly operation: Operation;
  /** Seconds since 1970. */
  readonly since: number;
  result: ResponseBatchItem | undefined;
  readonly done: Promise<unknown>;
}

/**
 * Operations that a client asked to be answered later (KMIP 1.4 §4.27, §4.28). They live in memory:
 * after a restart a client asks anew. Each belongs to the client that asked, and ends when it is
 * fetched or too old.
 */
export class Pending {
  readonly #started = new Map<string, Started>();

  /** Throws KmipError Server Limit Exceeded where no more may begin. */
  admit(client: string, now: number): void {
    if (!this.hasRoom(client, now)) {
      throw new KmipError(ResultReason.ServerLimitExceeded, 'Too many operations are pending');
    }
  }

  /** Whether one more may begin. */
  hasRoom(client: string, now: number): boolean {
    this.#forget(now);
    const own = [...this.#started.values()].filter((each) => each.client === client);
    return own.length < serverLimits.pending;
  }

  /** One that was admitted. */
  start(
    correlation: Buffer,
    client: string,
    operation: Operation,
    now: number,
    result: Promise<ResponseBatchItem>,
  ): void {
    const started: Started = { client, operation, since: now, result: undefined, done: result };
    this.#started.set(correlation.toString('hex'), started);
    void result.then((item) => {
      started.result = item;
    });
  }

  /** The operation's answer, once; undefined while it is not there yet. */
  poll(correlation: Uint8Array, client: string, now: number): ResponseBatchItem | undefined {
    const [key, started] = this.#find(correlation, client, now);
    if (started.result !== undefined) this.#started.delete(key);
    return started.result;
  }

  /** What is under way is finished: a change that may be on disk cannot be called back. */
  cancel(correlation: Uint8Array, client: string, now: number): CancellationResult {
    const [, { result }] = this.#find(correlation, client, now);
    return result === undefined ? CancellationResult.UnableToCancel : CancellationResult.Completed;
  }

  /** Waits until the operation is done (KMIP 2.1 §6.1.39). */
  async finish(correlation: Uint8Array, client: string, now: number): Promise<void> {
    const [, { done }] = this.#find(correlation, client, now);
    await done;
  }

  /** What a client asked for and did not fetch yet, the oldest first (KMIP 2.1 §6.1.38). */
  list(client: string, now: number): PendingRequest[] {
    this.#forget(now);
    const { Completed, InProcess } = ProcessingStage;
    return [...this.#started]
      .filter(([, started]) => started.client === client)
      .map(([key, { operation, since, result }]) => ({
        correlation: Buffer.from(key, 'hex'),
        operation,
        submitted: since,
        stage: result === undefined ? InProcess : Completed,
      }));
  }

  #forget(now: number): void {
    for (const [key, each] of this.#started) {
      if (now - each.since > serverLimits.pendingSeconds) this.#started.delete(key);
    }
  }

  #find(correlation: Uint8Array, client: string, now: number): [string, Started] {
    this.#forget(now);
    const key = Buffer.from(correlation).toString('hex');
    const started = this.#started.get(key);
    if (started?.client !== client) {
      const reason = ResultReason.InvalidAsynchronousCorrelationValue;
      throw new KmipError(reason, 'No operation is pending under this value');
    }
    return [key, started];
  }
}

/** What a promise gives within so many milliseconds; undefined where it takes longer. */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
