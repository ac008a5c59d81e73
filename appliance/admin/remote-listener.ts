import type { KeyObject, X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { RequestListener } from 'node:http';
import type { Server } from 'node:https';
import type { AddressInfo, ListenOptions, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** Milliseconds. A backup that is streamed takes as long as it takes: only silence ends one. */
const limits = { handshake: 5_000, head: 10_000, idle: 120_000, connections: 64 } as const;

export interface RemoteListenerParts {
  readonly key: KeyObject;
  /** PEM. */
  readonly certificate: string;
  /** Whether whoever shows the certificate with this fingerprint is let in now. */
  readonly admits: (fingerprint: string) => boolean;
  /** Somebody came who is not: with which certificate, if any, and from where. */
  readonly refused: (shown: Shown | undefined, address: string) => void;
  readonly serve: RequestListener;
}

/** A certificate, and its SHA-256 in hexadecimal. */
export interface Shown {
  readonly certificate: X509Certificate;
  readonly fingerprint: string;
}

/**
 * The admin API over HTTPS: TLS 1.3 alone, and a certificate that an officer gave a role. Who shows
 * another one learns nothing: the connection ends before a request is read. No chain is looked at,
 * the exact certificate says who it is.
 */
export class RemoteListener {
  readonly #parts: RemoteListenerParts;
  readonly #server: Server;
  readonly #live = new Map<TLSSocket, string>();

  constructor(parts: RemoteListenerParts) {
    const { key, certificate, serve } = parts;
    this.#parts = parts;
    this.#server = createServer(
      {
        key: key.export({ format: 'pem', type: 'pkcs8' }),
        cert: certificate,
        minVersion: 'TLSv1.3',
        maxVersion: 'TLSv1.3',
        ecdhCurve: 'X25519MLKEM768:X25519:P-256:P-384',
        ALPNProtocols: ['http/1.1'],
        requestCert: true,
        rejectUnauthorized: false,
        handshakeTimeout: limits.handshake,
        headersTimeout: limits.head,
        requestTimeout: 0,
        keepAliveTimeout: limits.head,
        maxHeaderSize: 8_192,
      },
      serve,
    );
    this.#server.maxConnections = limits.connections;
    this.#server.timeout = limits.idle;
    this.#server.on('secureConnection', (socket) => {
      this.#admit(socket);
    });
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  /** Resolves with the address once the port is open. Rejects with what the system says. */
  listen(listen: ListenOptions): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(listen, () => {
        this.#server.removeListener('error', reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** The fingerprint that a request's connection was let in with; undefined for any other. */
  fingerprint(socket: Socket): string | undefined {
    return socket instanceof TLSSocket ? this.#live.get(socket) : undefined;
  }

  /** Ends the live connections of all who are not let in any more. */
  cutBlocked(): void {
    for (const [socket, id] of this.#live) if (!this.#parts.admits(id)) socket.destroy();
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  #admit(socket: TLSSocket): void {
    socket.on('error', () => socket.destroy());
    const shown = shownOn(socket);
    if (shown === undefined || !this.#parts.admits(shown.fingerprint)) {
      this.#parts.refused(shown, socket.remoteAddress ?? 'unknown');
      socket.destroy();
      return;
    }
    this.#live.set(socket, shown.fingerprint);
    socket.once('close', () => this.#live.delete(socket));
  }
}

function shownOn(socket: TLSSocket): Shown | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  return { certificate, fingerprint };
}
