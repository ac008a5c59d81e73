import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { encodeFrame, FrameSplitter } from '../frame/frame.ts';
import type { Frame } from '../frame/frame.ts';
import { TokenError, tokenErrorCodes } from './error.ts';
import {
  joinParts,
  patienceFor,
  splitParts,
  tokenAnswer,
  tokenPayloadBytes,
  tokenRequest,
} from './request.ts';
import type { DictionaryAttack, OaepHash, RootKey, Token, TokenStatus } from './token.ts';

export interface TokenClientOptions {
  readonly path: string;
  /** Milliseconds that a call may take; making an RSA key has six times as long. */
  readonly deadline: number;
  /** Called when a call overran: the process behind the socket is to be killed. */
  readonly kill: () => void;
}

interface Waiting {
  readonly resolve: (payload: Buffer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * The keeper's view of the token process. Every call ends: with an answer, with the process's
 * death, or at its deadline; the next call connects anew.
 */
export class TokenClient implements Token {
  readonly #options: TokenClientOptions;
  readonly #waiting = new Map<number, Waiting>();
  #socket: Socket | undefined;
  #lastId = 0;

  constructor(options: TokenClientOptions) {
    this.#options = options;
  }

  async status(): Promise<TokenStatus> {
    const answer = await this.#call(tokenRequest.status, Buffer.alloc(0));
    return JSON.parse(answer.toString()) as TokenStatus;
  }

  async login(pin: Uint8Array): Promise<void> {
    await this.#call(tokenRequest.login, pin);
  }

  async relogin(): Promise<void> {
    await this.#call(tokenRequest.relogin, Buffer.alloc(0));
  }

  async provision(label: string, officerPin: Uint8Array, pin: Uint8Array): Promise<void> {
    const parts = joinParts(Buffer.from(label), officerPin, pin);
    await this.#call(tokenRequest.provision, parts).finally(() => parts.fill(0));
  }

  async protect(lockoutAuth: Uint8Array, mayTry: boolean): Promise<DictionaryAttack | undefined> {
    const parts = joinParts(lockoutAuth, Buffer.of(mayTry ? 1 : 0));
    const answer = await this.#call(tokenRequest.protect, parts).finally(() => parts.fill(0));
    return answer.length === 0 ? undefined : (JSON.parse(answer.toString()) as DictionaryAttack);
  }

  async clear(lockoutAuth: Uint8Array = Buffer.alloc(0)): Promise<boolean> {
    return (await this.#call(tokenRequest.clear, lockoutAuth))[0] === 1;
  }

  async logout(): Promise<void> {
    await this.#call(tokenRequest.logout, Buffer.alloc(0));
  }

  async makeRootKey(label: string, wanted: Uint8Array = Buffer.alloc(0)): Promise<RootKey> {
    const parts = joinParts(Buffer.from(label), wanted);
    const answer = await this.#call(tokenRequest.makeRootKey, parts);
    const [id, publicKey, hash] = splitParts(answer, 3) as [Buffer, Buffer, Buffer];
    return { id, publicKey, hash: hash.toString() as OaepHash };
  }

  async destroyRootKey(id: Uint8Array): Promise<boolean> {
    return (await this.#call(tokenRequest.destroyRootKey, id))[0] === 1;
  }

  decrypt(id: Uint8Array, hash: OaepHash, ciphertext: Uint8Array): Promise<Buffer> {
    return this.#call(tokenRequest.decrypt, joinParts(id, Buffer.from(hash), ciphertext));
  }

  close(): void {
    this.#drop(new TokenError('restart-needed', 'closed'));
  }

  #call(kind: number, payload: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const id = (this.#lastId = (this.#lastId + 1) >>> 0);
      const timer = setTimeout(
        () => {
          this.#drop(new TokenError('deadline', 'the token did not answer in time'));
          this.#options.kill();
        },
        this.#options.deadline * patienceFor(kind),
      );
      this.#waiting.set(id, { resolve, reject, timer });
      this.#connected().write(encodeFrame(kind, id, payload));
    });
  }

  #connected(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = connect(this.#options.path);
    const splitter = new FrameSplitter(tokenPayloadBytes);
    const lost = (): void => {
      if (this.#socket === socket) this.#drop(new TokenError('restart-needed', 'process lost'));
    };
    socket.on('error', lost);
    socket.on('close', lost);
    socket.on('data', (chunk) => {
      try {
        for (const frame of splitter.push(chunk)) this.#answer(frame);
        // The frames are copies, which whoever asked wipes.
        chunk.fill(0);
      } catch {
        lost();
      }
    });
    return (this.#socket = socket);
  }

  #answer({ kind, id, payload }: Frame): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (kind === tokenAnswer.success) {
      waiting.resolve(payload);
      return;
    }
    const code = tokenErrorCodes[payload.readUInt8(0)] ?? 'failed';
    const message = payload.subarray(5).toString();
    waiting.reject(new TokenError(code, message, payload.readUInt32BE(1)));
  }

  #drop(error: TokenError): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#waiting.clear();
  }
}
