import type { KeyObject } from 'node:crypto';
import type { AddressInfo, ListenOptions, Server as NetServer } from 'node:net';
import { createServer } from 'node:tls';
import type { Server } from 'node:tls';
import type { Keystore } from '../keystore/keystore.ts';
import { Admission, isRefusal, tlsOptions } from './admission.ts';
import type { Refused } from './admission.ts';
import { Connection } from './connection.ts';
import type { Dispatch } from './dispatch.ts';
import { serverLimits } from './limit.ts';
import type { Log } from './log.ts';
import type { PendingClients } from './pending-client.ts';

export interface ListenerOptions {
  readonly key: KeyObject;
  /** Server certificate and its authority, PEM. */
  readonly certificate: string;
  readonly keystore: Keystore;
  readonly dispatch: Dispatch;
  readonly newRequestId: () => string;
  readonly now: () => number;
  readonly log: Log;
  /** Where unknown certificates of an administrator's authorities wait for a person. */
  readonly pending?: PendingClients;
  readonly refused: Refused;
  readonly listen: ListenOptions;
}

/** The KMIP port: TTLV straight over TLS. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #admission: Admission;

  constructor(options: ListenerOptions) {
    const { dispatch, newRequestId, log, refused } = options;
    this.#options = options;
    this.#admission = new Admission(options);
    this.#server = createServer(tlsOptions(options.key, options.certificate));
    this.#server.maxConnections = serverLimits.connections;
    this.#server.on('secureConnection', (socket) => {
      const client = this.#admission.admit(socket);
      if (client !== undefined) new Connection({ socket, client, dispatch, newRequestId, log });
    });
    this.#server.on('tlsClientError', (error, socket) => {
      log('debug', 'handshake failed', { error: error.message });
      if (isRefusal(error)) refused('handshake failed');
      socket.destroy();
    });
  }

  /** Resolves with the address once the port is open. Rejects with what the system says. */
  listen(): Promise<AddressInfo> {
    return opened(this.#server, this.#options.listen);
  }

  /** Ends every live connection of a certificate, at once. */
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

  /** Stops taking connections and ends those there are. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#admission.endAll();
    });
  }
}

/** Opens a port. Rejects with what the system says. */
export function opened(server: NetServer, listen: ListenOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ backlog: serverLimits.backlog, ...listen }, () => {
      server.removeListener('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}
