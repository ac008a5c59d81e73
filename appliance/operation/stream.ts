import type { Transformation } from '../cryptography/parameters.ts';
import { ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import { boolean, byteString, optional } from '../ttlv/structure.ts';
import type { Context } from './operation.ts';

/** The fields by which a long message is sent in pieces (KMIP 1.4 §4.29 to §4.35). */
export const streamFields = {
  correlationValue: optional(Tag.CorrelationValue, byteString, { since: 103 }),
  initIndicator: optional(Tag.InitIndicator, boolean, { since: 103 }),
  finalIndicator: optional(Tag.FinalIndicator, boolean, { since: 103 }),
} as const;

export interface StreamRequest {
  readonly correlationValue?: Uint8Array;
  readonly initIndicator?: boolean;
  readonly finalIndicator?: boolean;
}

interface Stream {
  readonly client: string;
  readonly operation: string;
  readonly object: string | undefined;
  readonly transformation: Transformation;
  used: number;
}

const streamsMost = 1024;
const streamsOfClientMost = 64;
const idleSeconds = 300;

/**
 * What clients have begun and not ended. It lives in memory: after a restart, or on the other node,
 * a client begins anew. A stream belongs to the client that began it; unused ones end.
 */
export class Streams {
  readonly #streams = new Map<string, Stream>();

  open(stream: Omit<Stream, 'used'>, correlation: Buffer, now: number): void {
    this.#forget(now);
    const own = [...this.#streams.values()].filter(({ client }) => client === stream.client);
    if (own.length >= streamsOfClientMost || this.#streams.size >= streamsMost) {
      throw new KmipError(ResultReason.ServerLimitExceeded, 'Too many streams are open');
    }
    this.#streams.set(correlation.toString('hex'), { ...stream, used: now });
  }

  /** Throws KmipError Invalid Correlation Value for another client's or operation's. */
  find(correlation: Uint8Array, client: string, operation: string, now: number): Stream {
    this.#forget(now);
    const stream = this.#streams.get(Buffer.from(correlation).toString('hex'));
    if (stream?.client !== client || stream.operation !== operation) {
      const message = 'No operation with this Correlation Value';
      throw new KmipError(ResultReason.InvalidCorrelationValue, message);
    }
    stream.used = now;
    return stream;
  }

  close(correlation: Uint8Array): void {
    this.#streams.delete(Buffer.from(correlation).toString('hex'));
  }

  #forget(now: number): void {
    for (const [key, { used }] of this.#streams) {
      if (now - used > idleSeconds) this.#streams.delete(key);
    }
  }
}

/** What one piece gave: its data, the transformation, and whether it is at its end. */
export interface Passed<T> {
  readonly data: Buffer;
  readonly transformation: T;
  /** True in the answer that says how it began. */
  readonly began: boolean;
  readonly ended: boolean;
  readonly correlationValue?: Buffer;
}

/** The object that a request's stream was begun with; undefined where it begins one itself. */
export function streamObject(
  request: StreamRequest,
  operation: string,
  { client, streams, now }: Context,
): string | undefined {
  const { correlationValue } = request;
  if (correlationValue === undefined) return undefined;
  return streams.find(correlationValue, client.id, operation, now()).object;
}

/**
 * Passes one request's data on: the whole, or the piece of a stream that its indicators say. The
 * type of a stream's transformation is that which the same operation's `begin` gave.
 */
export async function pass<T extends Transformation>(
  request: StreamRequest,
  data: Uint8Array,
  what: { readonly operation: string; readonly object?: string },
  begin: () => T | Promise<T>,
  beforeEnd: (transformation: T) => void,
  context: Context,
): Promise<Passed<T>> {
  const { client, streams, now } = context;
  const { correlationValue: given, initIndicator = false, finalIndicator = false } = request;
  if (given !== undefined && initIndicator) {
    throw new KmipError(ResultReason.InvalidField, 'A stream is begun without Correlation Value');
  }
  const { operation, object } = what;
  const found = given === undefined ? undefined : streams.find(given, client.id, operation, now());
  if (found !== undefined && found.object !== object) {
    // What was decided for the key named now does not hold for the one it was begun with.
    const message = 'No operation with this Correlation Value';
    throw new KmipError(ResultReason.InvalidCorrelationValue, message);
  }
  const transformation = found === undefined ? await begin() : (found.transformation as T);
  const began = given === undefined;
  const ended = given === undefined ? !initIndicator || finalIndicator : finalIndicator;
  try {
    const pieces = [transformation.update(data)];
    if (ended) {
      beforeEnd(transformation);
      pieces.push(transformation.final());
    }
    const result = Buffer.concat(pieces);
    for (const piece of pieces) piece.fill(0);
    const passed = { data: result, transformation, began, ended };
    if (ended) {
      if (given !== undefined) streams.close(given);
      return passed;
    }
    const correlationValue = Buffer.from(given ?? context.random(16));
    if (given === undefined) {
      const stream = { client: client.id, operation, object, transformation };
      streams.open(stream, correlationValue, now());
    }
    return { ...passed, correlationValue };
  } catch (error) {
    if (given !== undefined) streams.close(given);
    throw error;
  }
}
