import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Client } from '../keystore/client.ts';
import { Admission, isRefusal, tlsOptions } from './admission.ts';
import { serverLimits } from './limit.ts';
import { opened } from './listener.ts';
import type { ListenerOptions } from './listener.ts';
import { mediaTypes } from './media-type.ts';
import type { MediaType } from './media-type.ts';

/**
 * The port of the HTTPS, XML and JSON profiles (KMIP Profiles 1.4 §5.3 to §5.5): a message is the
 * body of a POST to /kmip, its encoding that of the Content-Type. Who comes, what they may and what
 * they get is as at the KMIP port: the same certificates, the same dispatcher.
 */
export class WebListener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #admission: Admission;
  readonly #clients = new WeakMap<object, () => Client | undefined>();

  constructor(options: ListenerOptions) {
    const { key, certificate, refused } = options;
    this.#options = options;
    this.#admission = new Admission(options);
    this.#server = createServer({
      ...tlsOptions(key, certificate),
      ALPNProtocols: ['http/1.1'],
      maxHeaderSize: serverLimits.httpHeader,
      headersTimeout: serverLimits.halfMessage,
      requestTimeout: serverLimits.halfMessage,
      keepAliveTimeout: serverLimits.idle,
    });
    this.#server.maxConnections = serverLimits.connections;
    this.#server.on('secureConnection', (socket) => {
      const client = this.#admission.admit(socket);
      if (client !== undefined) this.#clients.set(socket, client);
    });
    this.#server.on('tlsClientError', (error, socket) => {
      if (isRefusal(error)) refused('handshake failed');
      socket.destroy();
    });
    this.#server.on('clientError', (_error, socket) => socket.destroy());
    this.#server.on('request', (request, response) => {
      this.#serve(request, response).catch(() => request.socket.destroy());
    });
  }

  /** Resolves with the address once the port is open. Rejects with what the system says. */
  listen(): Promise<AddressInfo> {
    return opened(this.#server, this.#options.listen);
  }

  cut(certificateFingerprint: string): number {
    return this.#admission.cut(certificateFingerprint);
  }

  /** Shows another certificate of the same key on new connections. */
  show(certificate: string): void {
    this.#server.setSecureContext(tlsOptions(this.#options.key, certificate));
  }

  get connections(): number {
    return this.#admission.connections;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#admission.endAll();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const client = this.#clients.get(request.socket)?.();
    if (client?.state !== 'allowed') {
      request.socket.destroy();
      return;
    }
    const media = mediaTypes.get(contentType(request));
    const refusal =
      request.url !== '/kmip'
        ? 404
        : request.method !== 'POST'
          ? 405
          : media === undefined
            ? 415
            : undefined;
    if (media === undefined || refusal !== undefined) {
      refuse(response, refusal ?? 415);
      return;
    }
    const body = await bodyOf(request, media.bytesMost).catch(() => undefined);
    if (body === undefined) {
      refuse(response, 413);
      return;
    }
    await this.#answer(body, media, client, response);
  }

  async #answer(
    body: Buffer,
    media: MediaType,
    client: Client,
    response: ServerResponse,
  ): Promise<void> {
    const { dispatch, newRequestId, log } = this.#options;
    const id = newRequestId();
    log('debug', 'request', { request: id, client: client.name, media: media.name });
    const frame = media.toTtlv(body);
    body.fill(0);
    const answer =
      frame instanceof Error
        ? dispatch.refuseMessage(frame, id)
        : await dispatch.answer(frame, client, id);
    if (!(frame instanceof Error)) frame.fill(0);
    const bytes = media.fromTtlv(answer);
    const done = (): void => {
      answer.fill(0);
      bytes.fill(0);
    };
    response.once('close', done);
    response.writeHead(200, {
      'Content-Type': media.name,
      'Content-Length': bytes.length,
      'Cache-Control': 'no-cache',
    });
    response.end(bytes);
  }
}

function contentType({ headers }: IncomingMessage): string {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { Connection: 'close', 'Content-Length': 0 });
  response.end();
}

/** The whole body. Rejects when it is longer than allowed or does not come whole. */
function bodyOf(request: IncomingMessage, bytesMost: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > bytesMost) {
        request.pause();
        reject(new Error('too long'));
      } else chunks.push(chunk);
    });
    request.once('end', () => {
      const body = Buffer.concat(chunks);
      for (const chunk of chunks) chunk.fill(0);
      resolve(body);
    });
    request.once('close', () => {
      reject(new Error('it ended early'));
    });
  });
}
