import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { encodeFrame, FrameSplitter } from '../frame/frame.ts';
import type { Frame } from '../frame/frame.ts';
import { KeeperError } from './keeper.ts';
import { keeperAnswer, keeperErrorCodes, keeperPayloadBytes } from './request.ts';

interface Waiting {
  readonly kind: number;
  readonly payload: Buffer;
  readonly resolve: (payload: Buffer) => void;
  readonly reject: (error: KeeperError) => void;
  readonly timer: NodeJS.Timeout;
}

const retryMilliseconds = 50;

/**
 * A connection to one of the keeper's sockets that outlives the keeper: what is unanswered when
 * the keeper dies is asked again of the next one, until each call's patience ends. Every request
 * may be asked twice: sealing and opening change nothing.
 */
export class KeeperConnection {
  readonly #path: string;
  readonly #patience: number;
  readonly #waiting = new Map<number, Waiting>();
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #lastId = 0;
  #closed = false;

  /** `patience`: milliseconds that a call may wait, the keeper's absence included. */
  constructor(path: string, patience: number) {
    this.#path = path;
    this.#patience = patience;
  }

  /** Gives the answer's payload. Throws KeeperError. The request's payload is wiped in the end. */
  call(kind: number, payload: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new KeeperError('unavailable', 'closed'));
        return;
      }
      const id = (this.#lastId = (this.#lastId + 1) >>> 0);
      const timer = setTimeout(() => {
        this.#end(id)?.reject(new KeeperError('unavailable', 'the keeper does not answer'));
      }, this.#patience);
      const waiting = { kind, payload, resolve, reject, timer };
      this.#waiting.set(id, waiting);
      if (this.#socket === undefined) this.#connect();
      else this.#send(this.#socket, id, waiting);
    });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#socket?.destroy();
    for (const id of [...this.#waiting.keys()]) {
      this.#end(id)?.reject(new KeeperError('unavailable', 'closed'));
    }
  }

  #send(socket: Socket, id: number, { kind, payload }: Waiting): void {
    const frame = encodeFrame(kind, id, payload);
    socket.write(frame, () => frame.fill(0));
  }

  #connect(): void {
    if (this.#closed || this.#retry !== undefined) return;
    const socket = connect(this.#path);
    this.#socket = socket;
    const splitter = new FrameSplitter(keeperPayloadBytes);
    for (const [id, waiting] of this.#waiting) this.#send(socket, id, waiting);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#lost(socket);
    });
    socket.on('data', (chunk) => {
      try {
        for (const frame of splitter.push(chunk)) this.#answer(frame);
        chunk.fill(0);
      } catch {
        socket.destroy();
      }
    });
  }

  #lost(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    if (this.#closed || this.#waiting.size === 0) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#connect();
    }, retryMilliseconds);
  }

  #answer({ kind, id, payload }: Frame): void {
    const waiting = this.#end(id);
    if (waiting === undefined) return;
    if (kind === keeperAnswer.success) {
      waiting.resolve(payload);
      return;
    }
    const code = keeperErrorCodes[payload.readUInt8(0)] ?? 'protocol';
    waiting.reject(new KeeperError(code, payload.subarray(1).toString()));
  }

  #end(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    waiting.payload.fill(0);
    return waiting;
  }
}
