import type { TLSSocket } from 'node:tls';
import { Tag } from '../kmip/tag.ts';
import { KmipError } from '../kmip/error.ts';
import { ResultReason } from '../kmip/enumeration.ts';
import type { Client } from '../keystore/client.ts';
import { FrameReader } from '../ttlv/frame.ts';
import type { Dispatch } from './dispatch.ts';
import { serverLimits } from './limit.ts';
import type { Log } from './log.ts';

export interface ConnectionOptions {
  readonly socket: TLSSocket;
  /** The client as the keystore knows it now; asked at each message, for it may be blocked. */
  readonly client: () => Client | undefined;
  readonly dispatch: Dispatch;
  readonly newRequestId: () => string;
  readonly log: Log;
}

/**
 * One client's connection: frames in, one message at a time, answers out in the same order. Frames
 * that come faster than they are answered wait, a bounded number of them; then the socket does.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #frames = new FrameReader(Tag.RequestMessage, serverLimits.message.messageBytes);
  readonly #queue: Buffer[] = [];
  #busy = false;
  /** Nothing comes and nothing goes. */
  #idle: NodeJS.Timeout | undefined;
  /** A message has begun and is not whole. */
  #half: NodeJS.Timeout | undefined;
  /** An answer is not taken. */
  #unread: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { socket } = options;
    this.#stir();
    socket.on('data', (chunk: Buffer) => {
      this.#read(chunk);
    });
    socket.on('close', () => {
      for (const timer of [this.#idle, this.#half, this.#unread]) clearTimeout(timer);
      this.#queue.length = 0;
    });
  }

  #read(chunk: Buffer): void {
    const { socket, dispatch, newRequestId } = this.#options;
    this.#stir();
    try {
      const frames = this.#frames.push(chunk);
      this.#queue.push(...frames);
      this.#expectRest(frames.length > 0);
    } catch {
      // The stream cannot be read on: one answer that says so, and the end.
      const refusal = new KmipError(ResultReason.InvalidMessage, 'Not a KMIP request message');
      socket.end(dispatch.refuseMessage(refusal, newRequestId()));
      socket.removeAllListeners('data');
      socket.resume();
      this.#unread = this.#deadline(serverLimits.unread);
      return;
    }
    if (this.#queue.length > serverLimits.pipelined) this.#pause();
    if (!this.#busy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    const { socket, dispatch, newRequestId, log } = this.#options;
    for (let frame = this.#queue.shift(); frame !== undefined; frame = this.#queue.shift()) {
      const client = this.#options.client();
      if (client?.state !== 'allowed') {
        socket.destroy();
        break;
      }
      const request = newRequestId();
      log('debug', 'request', { request, client: client.name });
      const response = await dispatch.answer(frame, client, request);
      frame.fill(0);
      await this.#send(response);
      if (socket.isPaused() && this.#queue.length < serverLimits.pipelined) this.#resume();
    }
    this.#busy = false;
  }

  /** Resolves when the bytes are with the system, or the connection is gone. */
  #send(response: Buffer): Promise<void> {
    const { socket } = this.#options;
    return new Promise((resolve) => {
      if (socket.destroyed) {
        response.fill(0);
        resolve();
        return;
      }
      this.#unread = this.#deadline(serverLimits.unread);
      const done = (): void => {
        clearTimeout(this.#unread);
        response.fill(0);
        socket.removeListener('close', done);
        this.#stir();
        resolve();
      };
      socket.once('close', done);
      socket.write(response, done);
    });
  }

  #stir(): void {
    clearTimeout(this.#idle);
    if (!this.#options.socket.destroyed) this.#idle = this.#deadline(serverLimits.idle);
  }

  /** Counts from a message's first byte, however many single ones come after it. */
  #expectRest(another: boolean): void {
    if (!this.#frames.pending || another) {
      clearTimeout(this.#half);
      this.#half = undefined;
    }
    if (this.#frames.pending) this.#half ??= this.#deadline(serverLimits.halfMessage);
  }

  /** What is not read here cannot be late. */
  #pause(): void {
    this.#options.socket.pause();
    clearTimeout(this.#half);
    this.#half = undefined;
  }

  #resume(): void {
    this.#options.socket.resume();
    this.#expectRest(false);
  }

  #deadline(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => this.#options.socket.destroy(), milliseconds);
  }
}
