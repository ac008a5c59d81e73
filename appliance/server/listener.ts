import type { KeyObject } from 'node:crypto';
import type { AddressInfo, ListenOptions } from 'node:net';
import { createServer } from 'node:tls';
import type { Server, TLSSocket } from 'node:tls';
import type { Keystore } from '../keystore/keystore.ts';
import { fingerprint } from '../pki/fingerprint.ts';
import { Connection } from './connection.ts';
import type { Dispatch } from './dispatch.ts';
import { serverLimits } from './limit.ts';
import type { Log } from './log.ts';

export interface ListenerOptions {
  readonly key: KeyObject;
  /** Server certificate and its authority, PEM. */
  readonly certificate: string;
  readonly keystore: Keystore;
  readonly dispatch: Dispatch;
  readonly newRequestId: () => string;
  readonly now: () => number;
  readonly log: Log;
  readonly listen: ListenOptions;
}

/**
 * The KMIP port: mutual TLS 1.2 and 1.3. OpenSSL proves that the peer holds its certificate's key;
 * who that is, the exact certificate says, looked up in the keystore. No chain, purpose or name is
 * looked at: vCenter's certificates sign themselves and have no extended key usage.
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #live = new Map<string, Set<TLSSocket>>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = createServer({
      key: options.key.export({ format: 'pem', type: 'pkcs8' }),
      cert: options.certificate,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ciphers:
        'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:' +
        'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:' +
        'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
      ecdhCurve: 'X25519MLKEM768:X25519:P-256:P-384',
      honorCipherOrder: true,
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: serverLimits.handshake,
    });
    this.#server.maxConnections = serverLimits.connections;
    this.#server.on('secureConnection', (socket) => {
      this.#accept(socket);
    });
    this.#server.on('tlsClientError', (error, socket) => {
      options.log('debug', 'handshake failed', { error: error.message });
      socket.destroy();
    });
  }

  /** Resolves with the address once the port is open. Rejects with what the system says. */
  listen(): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ backlog: serverLimits.backlog, ...this.#options.listen }, () => {
        this.#server.removeListener('error', reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** Ends every live connection of a certificate, at once. */
  cut(certificateFingerprint: string): number {
    const sockets = [...(this.#live.get(certificateFingerprint) ?? [])];
    for (const socket of sockets) socket.destroy();
    return sockets.length;
  }

  get connections(): number {
    return [...this.#live.values()].reduce((sum, sockets) => sum + sockets.size, 0);
  }

  /** Stops taking connections and ends those there are. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      for (const sockets of this.#live.values()) for (const socket of sockets) socket.destroy();
    });
  }

  #accept(socket: TLSSocket): void {
    const { keystore, dispatch, newRequestId, log } = this.#options;
    socket.on('error', () => socket.destroy());
    socket.disableRenegotiation();
    const certificate = socket.getPeerX509Certificate();
    const id = certificate === undefined ? undefined : fingerprint(certificate);
    const client = id === undefined ? undefined : keystore.client(id);
    if (id === undefined || client?.state !== 'allowed') {
      this.#refuse(socket, id, client?.state);
      return;
    }
    const sockets = this.#live.get(id) ?? new Set();
    this.#live.set(id, sockets.add(socket));
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) this.#live.delete(id);
    });
    socket.setNoDelay(true);
    new Connection({ socket, client: () => keystore.client(id), dispatch, newRequestId, log });
  }

  /** Nothing is answered: whoever is not let in learns not even what speaks here. */
  #refuse(socket: TLSSocket, id: string | undefined, state: string | undefined): void {
    const why = state ?? (id === undefined ? 'no certificate' : 'unknown certificate');
    this.#options.log('info', 'client refused', { why, fingerprint: id });
    socket.destroy();
  }
}
