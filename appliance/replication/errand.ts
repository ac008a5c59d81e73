import type { TLSSocket } from 'node:tls';
import { encodeFrame, FrameSplitter } from '../frame/frame.ts';
import { pinOf } from './peer-tls.ts';

/**
 * What is done between two nodes beside carrying records: pairing, and carrying the keepers'
 * statements. The protocol is chosen by its name in the handshake (RFC 7301).
 */
export const errandProtocol = 'twinlock-errand/1';

const messageBytes = 1 << 20;
const waitingMost = 8;
const endMilliseconds = 2_000;

/** A pairing or an errand that cannot go on: said to the person who began it. */
export class ErrandError extends Error {
  override readonly name = 'ErrandError';
  readonly code: ErrandCode;

  constructor(code: ErrandCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type ErrandCode =
  | 'unreachable'
  /** This node listens for no other one: it is not told to, or its port could not be opened. */
  | 'no-peer-port'
  | 'code-refused'
  | 'not-the-peer'
  | 'not-confirmed'
  | 'removed'
  | 'has-keys'
  | 'ended';

/** JSON messages over a TLS connection, one after the other. */
export class Errand {
  readonly #socket: TLSSocket;
  readonly #splitter = new FrameSplitter(messageBytes);
  readonly #messages: unknown[] = [];
  readonly #known: () => void;
  #wake: (() => void) | undefined;
  #ended = false;

  /** `known`: called once the other side has proven whose it is. */
  constructor(socket: TLSSocket, known: () => void = () => {}) {
    this.#socket = socket;
    this.#known = known;
    const end = (): void => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('error', () => socket.destroy());
    socket.on('close', end);
    socket.on('end', end);
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const { payload } of this.#splitter.push(chunk)) {
          if (this.#messages.length >= waitingMost) throw new Error('too many');
          this.#messages.push(JSON.parse(payload.toString()));
        }
        this.#wake?.();
      } catch {
        socket.destroy();
      }
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** See `pinOf`: of the other side. */
  get theirs(): string {
    const certificate = this.#socket.getPeerX509Certificate();
    if (certificate === undefined) throw new ErrandError('not-the-peer', 'no certificate came');
    return pinOf(certificate);
  }

  /** 32 bytes that only the two ends of this very connection have (RFC 8446 §7.5). */
  get exporter(): Buffer {
    return this.#socket.exportKeyingMaterial(32, 'EXPORTER-twinlock-pairing', Buffer.alloc(0));
  }

  get address(): string {
    return this.#socket.remoteAddress ?? '';
  }

  /** Says that the other side has proven whose it is: no stranger takes its place any more. */
  admit(): void {
    this.#known();
  }

  send(message: object): void {
    if (this.#ended) return;
    this.#socket.write(encodeFrame(1, 0, Buffer.from(JSON.stringify(message))));
  }

  /** The next message. Throws ErrandError: `ended`, or what the other side refused with. */
  async receive<T extends object>(): Promise<T> {
    while (this.#messages.length === 0) {
      if (this.#ended) throw new ErrandError('ended', 'the connection ended');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const message = this.#messages.shift() as T & { refused?: { code: ErrandCode; text: string } };
    if (message.refused === undefined) return message;
    throw new ErrandError(message.refused.code, message.refused.text);
  }

  /** Says why it goes no further, and ends. */
  refuse({ code, message: text }: ErrandError): void {
    this.send({ refused: { code, text } });
    this.end();
  }

  /** Ends once all is sent; the other side is not waited for long. */
  end(): void {
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), endMilliseconds).unref();
  }

  /** Ends a connection whose other side does not. */
  destroy(): void {
    this.#socket.destroy();
  }
}
