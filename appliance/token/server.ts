import { createServer } from 'node:net';
import type { ListenOptions, Server, Socket } from 'node:net';
import { encodeFrame, FrameSplitter } from '../frame/frame.ts';
import type { Frame } from '../frame/frame.ts';
import type { Deadline } from './deadline.ts';
import { TokenError, tokenErrorCodes } from './error.ts';
import type { Pkcs11 } from './pkcs11.ts';
import {
  joinParts,
  patienceFor,
  splitParts,
  tokenAnswer,
  tokenPayloadBytes,
  tokenRequest,
} from './request.ts';
import type { OaepHash } from './token.ts';

export interface TokenServerOptions {
  /** Loads the vendor's library; called at the first request and never again. */
  readonly load: () => Pkcs11;
  readonly deadline: Deadline;
  /** Called when only a new process helps, after the answer that says so was sent. */
  readonly restart: () => void;
  readonly listen: ListenOptions;
}

/**
 * The token process's socket: one request at a time, each under a deadline. A peer that breaks the
 * frames is cut off. Resolves when it listens.
 */
export function startTokenServer(options: TokenServerOptions): Promise<Server> {
  let module: Pkcs11 | undefined;
  const server = createServer((socket) => {
    const splitter = new FrameSplitter(tokenPayloadBytes);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      try {
        for (const frame of splitter.push(chunk)) answer(socket, frame);
        chunk.fill(0);
      } catch {
        socket.destroy();
      }
    });
  });

  const answer = (socket: Socket, frame: Frame): void => {
    try {
      const payload = options.deadline.run(
        () => perform((module ??= options.load()), frame),
        patienceFor(frame.kind),
      );
      socket.write(encodeFrame(tokenAnswer.success, frame.id, payload), () => payload.fill(0));
    } catch (error) {
      const known = error instanceof TokenError ? error : new TokenError('failed', 'failed');
      socket.write(encodeFrame(tokenAnswer.refusal, frame.id, refusal(known)), () => {
        if (known.code === 'restart-needed' || known.code === 'module-unusable') options.restart();
      });
    } finally {
      frame.payload.fill(0);
    }
  };

  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.listen, () => {
      resolve(server);
    });
  });
}

function perform(token: Pkcs11, { kind, payload }: Frame): Buffer {
  switch (kind) {
    case tokenRequest.status:
      return Buffer.from(JSON.stringify(token.status()));
    case tokenRequest.login:
      token.login(payload);
      return Buffer.alloc(0);
    case tokenRequest.relogin:
      token.relogin();
      return Buffer.alloc(0);
    case tokenRequest.logout:
      token.logout();
      return Buffer.alloc(0);
    case tokenRequest.provision: {
      const [label, officerPin, pin] = splitParts(payload, 3) as [Buffer, Buffer, Buffer];
      token.provision(label.toString(), officerPin, pin);
      limitGuessing(token);
      return Buffer.alloc(0);
    }
    case tokenRequest.makeRootKey: {
      const [label, id] = splitParts(payload, 2) as [Buffer, Buffer];
      const key = token.makeRootKey(label.toString(), id.length === 0 ? undefined : id);
      return joinParts(key.id, key.publicKey, Buffer.from(key.hash));
    }
    case tokenRequest.decrypt: {
      const [id, hash, ciphertext] = splitParts(payload, 3) as [Buffer, Buffer, Buffer];
      return token.decrypt(id, hash.toString() as OaepHash, ciphertext);
    }
    case tokenRequest.destroyRootKey:
      return Buffer.of(token.destroyRootKey(payload) ? 1 : 0);
    case tokenRequest.protect: {
      const [auth, mayTry] = splitParts(payload, 2) as [Buffer, Buffer];
      const found = token.tpm()?.protect(auth, mayTry[0] === 1);
      return Buffer.from(found === undefined ? '' : JSON.stringify(found));
    }
    case tokenRequest.clear: {
      const tpm = token.tpm();
      tpm?.clear(payload.length === 0 ? undefined : payload);
      return Buffer.of(tpm === undefined ? 0 : 1);
    }
    default:
      throw new TokenError('protocol', 'no such request');
  }
}

/** The token is ours already, and its officer's PIN is to be told: `protect` tries it again. */
function limitGuessing(token: Pkcs11): void {
  try {
    token.tpm()?.limit();
  } catch {
    // Said by whoever has the keys opened and finds that it does not go.
  }
}

function refusal(error: TokenError): Buffer {
  const message = Buffer.from(error.message);
  const bytes = Buffer.alloc(5 + message.length);
  bytes[0] = tokenErrorCodes.indexOf(error.code);
  bytes.writeUInt32BE(error.ckr ?? 0, 1);
  message.copy(bytes, 5);
  return bytes;
}
