import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  AsynchronousIndicator,
  BatchErrorContinuationOption,
  nameOf,
} from '../kmip/enumeration.ts';
import { Operation, ResultReason, ResultStatus } from '../kmip/enumeration.ts';
import { ticketsAmong } from '../kmip/credential.ts';
import { KmipError } from '../kmip/error.ts';
import { decodeRequest, encodeResponse, MessageError } from '../kmip/message.ts';
import type { RequestBatchItem, RequestMessage, ResponseBatchItem } from '../kmip/message.ts';
import { versionNumber } from '../kmip/version.ts';
import type { Client } from '../keystore/client.ts';
import { isConfigurer } from '../keystore/group-rule.ts';
import type { Draft, Keystore } from '../keystore/keystore.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { operations } from '../operation/index.ts';
import type { Act, Context, OperationDefinition, View } from '../operation/operation.ts';
import { Denial } from '../operation/operation.ts';
import type { WritePayload } from '../operation/operation.ts';
import { Streams } from '../operation/stream.ts';
import { idOf, pendingItem, succeeded, undone } from './answer-item.ts';
import { isAllowed, isWithinTickets } from './authorisation.ts';
import { serverLimits } from './limit.ts';
import { Listing } from './listing.ts';
import type { Log } from './log.ts';
import { Pending, within } from './pending.ts';
import { Placeholder } from './placeholder.ts';
import { isPromised, refusalOf } from './result.ts';
import { targetOf } from './target.ts';
import { spendGrant, Tickets } from './ticket.ts';
import type { Grant } from './ticket.ts';

export interface DispatchOptions {
  readonly keystore: Keystore;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly random: (bytes: number) => Buffer;
  readonly newIdentifier: () => string;
  readonly log: Log;
  /** Milliseconds before a client that takes later answers is given one. */
  readonly patience?: number;
}

const { Stop, Undo } = BatchErrorContinuationOption;
const byCode = new Map<number, OperationDefinition>(operations.map((o) => [o.operation, o]));

/** What one batch item needs on its way: made once, used by both halves. */
interface Step {
  readonly item: RequestBatchItem;
  readonly definition: OperationDefinition;
  readonly context: Context;
  /** The object that was touched, for the audit. */
  object?: string;
  /** Whether its tickets were asked and counted it. */
  charged?: boolean;
  /** The correlation value that a Poll asks for. */
  polled?: Uint8Array;
}

/**
 * Turns a request's bytes into a response's: who asks, may they, do it, audit it, and the only
 * place where an error becomes a Result Reason.
 */
export class Dispatch {
  readonly #options: DispatchOptions;
  readonly #streams = new Streams();
  readonly #pending = new Pending();
  readonly #tickets = new Tickets();

  constructor(options: DispatchOptions) {
    this.#options = options;
  }

  /** Answers one message of a client whose certificate was let in. Never throws. */
  async answer(frame: Uint8Array, client: Client, request: string): Promise<Buffer> {
    let message: RequestMessage;
    try {
      message = decodeRequest(frame, serverLimits.message, serverLimits.batchItems);
    } catch (error) {
      return this.refuseMessage(error, request);
    }
    const run = new BatchRun(
      {
        ...this.#options,
        streams: this.#streams,
        pending: this.#pending,
        tickets: this.#tickets,
      },
      message,
      client,
      request,
    );
    const { clientCorrelationValue } = message.header;
    if (clientCorrelationValue !== undefined) {
      const said = clientCorrelationValue.slice(0, 256);
      this.#options.log('info', 'client correlation value', { request, said });
    }
    try {
      const items = await run.perform();
      return this.#respond(message, items, request);
    } catch (error) {
      return this.refuseMessage(error, request, message);
    }
  }

  /** The answer to what could not be taken apart: a header and one item that names no operation. */
  refuseMessage(error: unknown, request: string, message?: RequestMessage): Buffer {
    const version =
      message?.header.protocolVersion ??
      (error instanceof MessageError ? error.version : { major: 1, minor: 0 });
    const { reason, message: text } = refusalOf(error, versionNumber(version));
    this.#options.log('info', 'message refused', { request, reason: nameOf(ResultReason, reason) });
    return encodeResponse({
      version,
      timeStamp: this.#options.now(),
      items: [
        {
          resultStatus: ResultStatus.OperationFailed,
          resultReason: reason,
          resultMessage: text,
        },
      ],
    });
  }

  #respond(
    { header }: RequestMessage,
    items: readonly ResponseBatchItem[],
    request: string,
  ): Buffer {
    const { protocolVersion: version, clientCorrelationValue, maximumResponseSize } = header;
    const response = {
      version,
      timeStamp: this.#options.now(),
      // Old clients read no header field that they did not send themselves.
      ...(clientCorrelationValue === undefined
        ? {}
        : { clientCorrelationValue, serverCorrelationValue: request }),
    };
    const bytes = encodeResponse({ ...response, items });
    if (maximumResponseSize === undefined || bytes.length <= maximumResponseSize) return bytes;
    bytes.fill(0);
    this.#options.log('info', 'response too large', { request, maximumResponseSize });
    const resultReason = ResultReason.ResponseTooLarge;
    const failed = items.map(({ operation, uniqueBatchItemID }) => ({
      ...(operation === undefined ? {} : { operation }),
      ...(uniqueBatchItemID === undefined ? {} : { uniqueBatchItemID }),
      resultStatus: ResultStatus.OperationFailed,
      resultReason,
      resultMessage: 'The response would be longer than the client takes',
    }));
    return encodeResponse({ ...response, items: failed });
  }
}

interface RunOptions extends DispatchOptions {
  readonly streams: Streams;
  readonly pending: Pending;
  readonly tickets: Tickets;
}

/** One message's batch (KMIP 1.4 §6.13, §6.14, §7.2). */
class BatchRun {
  readonly #options: RunOptions;
  readonly #message: RequestMessage;
  readonly #client: Client;
  readonly #request: string;
  readonly #version: number;
  readonly #placeholder = new Placeholder();
  readonly #listing = new Listing();
  /** Of the tickets that the request bears. */
  #grants: readonly Grant[] = [];

  constructor(options: RunOptions, message: RequestMessage, client: Client, request: string) {
    this.#options = options;
    this.#message = message;
    this.#client = client;
    this.#request = request;
    this.#version = versionNumber(message.header.protocolVersion);
  }

  async perform(): Promise<ResponseBatchItem[]> {
    const { header, items } = this.#message;
    if (items.length > 1 && items.some((item) => item.uniqueBatchItemID === undefined)) {
      const text = 'Every item of a batch needs a Unique Batch Item ID';
      throw new KmipError(ResultReason.InvalidMessage, text);
    }
    this.#grants = this.#admitTickets();
    const option = header.batchErrorContinuationOption ?? Stop;
    if (option === Undo && items.length > 1) return this.#together();
    const responses: ResponseBatchItem[] = [];
    for (const item of items) {
      // Others come in between: a batch may be long, and each of its items a Locate.
      if (responses.length > 0) await nextTurn();
      const response = await this.#one(item);
      responses.push(response);
      if (response.resultStatus !== ResultStatus.Success && option === Stop) break;
    }
    return responses;
  }

  #admitTickets(): Grant[] {
    const { keystore, tickets, now } = this.#options;
    const given = ticketsAmong(
      this.#message.header.authentication?.credential ?? [],
      this.#version,
    );
    return given.map(({ ticketValue }) =>
      tickets.admit(ticketValue, this.#client, now(), (each) => keystore.client(each)),
    );
  }

  async #one(item: RequestBatchItem): Promise<ResponseBatchItem> {
    let step: Step | undefined;
    try {
      step = this.#step(item);
      const { asynchronousIndicator } = this.#message.header;
      const later = asynchronousIndicator === AsynchronousIndicator.Mandatory;
      if (later && !atOnce.has(item.operation)) return this.#startLater(item, step);
      const mayWait = asynchronousIndicator === AsynchronousIndicator.Optional;
      if (mayWait && this.#message.items.length === 1 && !atOnce.has(item.operation)) {
        return await this.#soonOrLater(item, step);
      }
      const write = await this.#run(step);
      return step.polled === undefined ? succeeded(item, write) : this.#polled(item, step.polled);
    } catch (error) {
      return this.#failed(item, error, step?.object);
    }
  }

  /** Answers that the operation is under way, and lets the client fetch its answer by Poll. */
  #startLater(item: RequestBatchItem, step: Step): ResponseBatchItem {
    const { pending, random, now } = this.#options;
    // Before anything is done: what is refused must not have happened.
    pending.admit(this.#client.id, now());
    const correlation = random(16);
    pending.start(correlation, this.#client.id, item.operation, now(), this.#result(item, step));
    return pendingItem(item, correlation);
  }

  #result(item: RequestBatchItem, step: Step): Promise<ResponseBatchItem> {
    return this.#run(step).then(
      (write) => succeeded(item, write),
      (error: unknown) => this.#failed(item, error, step.object),
    );
  }

  /** A client that takes a later answer gets one where the operation takes its time. */
  async #soonOrLater(item: RequestBatchItem, step: Step): Promise<ResponseBatchItem> {
    const { pending, random, now, patience = serverLimits.patience } = this.#options;
    const result = this.#result(item, step);
    const answer = await within(patience, result);
    if (answer !== undefined) return answer;
    // It takes a later answer, and needs none: where no more are kept, it waits like any other.
    if (!pending.hasRoom(this.#client.id, now())) return result;
    const correlation = random(16);
    pending.start(correlation, this.#client.id, item.operation, now(), result);
    return pendingItem(item, correlation);
  }

  /** The answer to a Poll: the other operation's own, or that it is still under way. */
  #polled(item: RequestBatchItem, correlation: Uint8Array): ResponseBatchItem {
    const result = this.#options.pending.poll(correlation, this.#client.id, this.#options.now());
    if (result === undefined) return pendingItem(item, correlation);
    const { uniqueBatchItemID: _id, ...answer } = result;
    return { ...answer, ...idOf(item) };
  }

  async #run(step: Step): Promise<WritePayload> {
    const { definition, context, item } = step;
    const { keystore } = this.#options;
    if (!definition.changes) {
      const act = await definition.prepare(item.requestPayload, context);
      const write = await act(keystore);
      this.#chargeLate(step);
      keystore.note(this.#entry(step, 'success'));
      return write;
    }
    const act = await definition.prepare(item.requestPayload, context);
    return keystore.change((draft) => this.#act(act, draft, step));
  }

  /** A change's act and its audit entry, in one commit; what it promises is awaited after it. */
  #act(act: Act<WritePayload, Draft>, draft: Draft, step: Step): Promise<WritePayload> {
    const write = act(draft);
    this.#chargeLate(step);
    draft.audit(this.#entry(step, 'success'));
    const promised = Promise.resolve(write);
    // It is awaited after the commit; where the batch is undone before, nobody does.
    promised.catch(() => undefined);
    return promised;
  }

  /**
   * A batch that is to be undone as a whole when one item fails: everything that takes time is done
   * first, then all acts run inside one change, which the first failure rolls back.
   */
  async #together(): Promise<ResponseBatchItem[]> {
    const { items } = this.#message;
    const steps: Step[] = [];
    const acts: Act<WritePayload, Draft>[] = [];
    let position = 0;
    try {
      for (const item of items) {
        const step = this.#step(item);
        steps.push(step);
        acts.push(await this.#prepared(step));
        position++;
      }
      position = 0;
      // Wrapped, so that the change resolves when it is durable and not when all is read.
      const { promised } = await this.#options.keystore.change((draft) => ({
        promised: acts.map((act, i) => {
          position = i;
          const step = steps[i];
          if (step === undefined) throw new Error('an act without its step');
          return this.#act(act, draft, step);
        }),
      }));
      // It is committed: what is only read now may fail, and nothing else is answered as undone.
      const written = await Promise.allSettled(promised);
      return items.map((item, i) => {
        const each = written[i];
        if (each?.status !== 'rejected') return succeeded(item, each?.value);
        return this.#failed(item, each.reason, steps[i]?.object);
      });
    } catch (error) {
      return items
        .slice(0, position + 1)
        .map((item, i) =>
          i === position ? this.#failed(item, error, steps[i]?.object) : undone(item),
        );
    }
  }

  async #prepared(step: Step): Promise<Act<WritePayload, Draft>> {
    const { definition, item, context } = step;
    if (definition.changes) return definition.prepare(item.requestPayload, context);
    const act = await definition.prepare(item.requestPayload, context);
    return (draft) => act(draft);
  }

  #step(item: RequestBatchItem): Step {
    const definition = byCode.get(item.operation);
    if (definition === undefined || definition.since > this.#version) {
      throw new KmipError(ResultReason.OperationNotSupported, 'Operation not supported');
    }
    if (item.messageExtension?.criticalityIndicator === true) {
      throw new KmipError(ResultReason.FeatureNotSupported, 'Message extension not supported');
    }
    const { policy } = definition;
    const { keystore, now, random, newIdentifier } = this.#options;
    const mayConfigure = (client: Client): boolean => isConfigurer(keystore, client);
    if (policy.target !== 'object' && !isAllowed(this.#client, policy, { mayConfigure })) {
      throw notAllowed();
    }
    const step: Step = {
      item,
      definition,
      context: {
        client: this.#client,
        version: this.#version,
        keystore,
        now,
        random,
        newIdentifier,
        streams: this.#options.streams,
        operations: operations.filter((o) => o.since <= this.#version).map((o) => o.operation),
        target: (view, identifier) => this.#target(step, view, identifier),
        place: (identifier) => {
          step.object = identifier;
          this.#placeholder.place(identifier);
        },
        list: (count) => {
          this.#listing.add(count);
        },
        ephemeral: item.ephemeral === true,
        withData: (payload) =>
          this.#version < 200 ? payload : this.#placeholder.withData(payload),
        produced: (bytes) => {
          this.#placeholder.produced(item.operation, bytes);
        },
        answered: (answer) => {
          this.#placeholder.answered(item.operation, answer);
        },
        pending: {
          poll: (correlation) => {
            step.polled = correlation;
          },
          cancel: (correlation) =>
            this.#options.pending.cancel(correlation, this.#client.id, now()),
          finish: (correlation) =>
            this.#options.pending.finish(correlation, this.#client.id, now()),
          list: () => this.#options.pending.list(this.#client.id, now()),
        },
        tickets: {
          issue: (terms, bearer) =>
            this.#options.tickets.issue(random(32), terms, this.#client, bearer, now()),
          end: (value) => {
            this.#options.tickets.end(value, this.#client);
          },
        },
      },
    };
    if (policy.target !== 'object') this.#spendTickets(step);
    return step;
  }

  #target(step: Step, view: View, named: string | undefined): ReturnType<Context['target']> {
    const identifier = this.#placeholder.resolve(named);
    // What an item speaks of comes first; the keys that it uses beside it come after.
    const first = step.object === undefined;
    step.object ??= identifier;
    const { policy, operation } = step.definition;
    const object = targetOf(view, identifier, this.#client, policy);
    if (first && policy.target === 'object') this.#spendTickets(step, object);
    else if (!isWithinTickets(this.#grants, operation, object)) throw notAllowed();
    return object;
  }

  /** Refuses what the request's tickets do not allow, and counts what they do. */
  #spendTickets(step: Step, object?: ManagedObject): void {
    const { operation } = step.definition;
    step.charged = true;
    if (!isWithinTickets(this.#grants, operation, object)) throw notAllowed();
    for (const grant of this.#grants) spendGrant(grant, operation, object);
  }

  /** Create Split Key and Validate may name no object: they count as what they are without one. */
  #chargeLate(step: Step): void {
    if (step.charged !== true) this.#spendTickets(step);
  }

  #failed(item: RequestBatchItem, error: unknown, object: string | undefined): ResponseBatchItem {
    const { reason, message } = refusalOf(error, this.#version, item.operation);
    const { log, keystore } = this.#options;
    if (error instanceof Denial) this.#placeholder.empty();
    const name = nameOf(ResultReason, reason);
    const fields = { request: this.#request, operation: nameOf(Operation, item.operation) };
    if (isPromised(error)) {
      log('warn', 'operation refused', { ...fields, error: error.message });
    } else if (reason === ResultReason.GeneralFailure && !(error instanceof KmipError)) {
      const cause = error instanceof Error ? { error: error.message, stack: error.stack } : {};
      log('error', 'operation failed', { ...fields, ...cause });
    } else {
      log('info', 'operation refused', { ...fields, reason: name });
    }
    keystore.note({
      request: this.#request,
      actor: `client:${this.#client.name}`,
      act: fields.operation,
      ...(object === undefined ? {} : { object: object.slice(0, 64) }),
      outcome: denials.has(reason) ? 'denied' : 'failed',
      reason: name,
    });
    return {
      operation: item.operation,
      ...idOf(item),
      resultStatus: ResultStatus.OperationFailed,
      resultReason: reason,
      resultMessage: message,
      ...(error instanceof Denial ? { writePayload: error.writePayload } : {}),
    };
  }

  #entry({ item, object }: Step, outcome: 'success'): Parameters<Keystore['note']>[0] {
    return {
      request: this.#request,
      actor: `client:${this.#client.name}`,
      act: nameOf(Operation, item.operation),
      ...(object === undefined ? {} : { object }),
      outcome,
    };
  }
}

function notAllowed(): KmipError {
  return new KmipError(ResultReason.PermissionDenied, 'Not allowed');
}

/** What is answered at once even where a client insists on later answers: it takes no time. */
const atOnce: ReadonlySet<Operation> = new Set([
  Operation.Poll,
  Operation.Cancel,
  Operation.Process,
  Operation.QueryAsynchronousRequests,
  Operation.Query,
  Operation.DiscoverVersions,
]);

const denials: ReadonlySet<ResultReason> = new Set([
  ResultReason.PermissionDenied,
  ResultReason.ItemNotFound,
  ResultReason.ObjectNotFound,
  ResultReason.ObjectDestroyed,
]);
