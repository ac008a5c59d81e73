import type { KeyObject } from 'node:crypto';
import type { TLSSocket, TlsOptions } from 'node:tls';
import type { Client } from '../keystore/client.ts';
import type { Keystore } from '../keystore/keystore.ts';
import { fingerprint } from '../pki/fingerprint.ts';
import { serverLimits } from './limit.ts';
import type { Log } from './log.ts';
import type { PendingClients } from './pending-client.ts';

/**
 * The TLS of every port that clients come to: mutual TLS 1.2 and 1.3. OpenSSL proves that the peer
 * holds its certificate's key; who that is, the exact certificate says. No chain, purpose or name
 * is looked at: vCenter's certificates sign themselves and have no extended key usage.
 */
export function tlsOptions(key: KeyObject, certificate: string): TlsOptions {
  return {
    key: key.export({ format: 'pem', type: 'pkcs8' }),
    cert: certificate,
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
  };
}

/** Told of whoever is not let in: a certificate's fingerprint, or what is refused without one. */
export type Refused = (who: string) => void;

/**
 * Whether it was TLS that failed: no version or cipher in common, or no TLS at all. Who merely goes
 * away, as a probe of a load balancer does, was not refused.
 */
export function isRefusal({ code }: NodeJS.ErrnoException): boolean {
  return code?.startsWith('ERR_SSL_') === true;
}

/** Who is let in at a port, and the connections they have. */
export class Admission {
  readonly #keystore: Keystore;
  readonly #log: Log;
  readonly #pending: PendingClients | undefined;
  readonly #refused: Refused;
  readonly #live = new Map<string, Set<TLSSocket>>();

  constructor(parts: {
    readonly keystore: Keystore;
    readonly log: Log;
    /** Told of certificates that nobody knows. */
    readonly pending?: PendingClients;
    readonly refused: Refused;
  }) {
    this.#keystore = parts.keystore;
    this.#log = parts.log;
    this.#pending = parts.pending;
    this.#refused = parts.refused;
  }

  /** Lets a certificate in that is allowed; answers how it stands now, each time it is asked. */
  admit(socket: TLSSocket): (() => Client | undefined) | undefined {
    socket.on('error', () => socket.destroy());
    socket.disableRenegotiation();
    const certificate = socket.getPeerX509Certificate();
    const id = certificate === undefined ? undefined : fingerprint(certificate);
    const client = id === undefined ? undefined : this.#keystore.client(id);
    if (id === undefined || client?.state !== 'allowed') {
      if (certificate !== undefined && client === undefined) void this.#pending?.met(certificate);
      this.#refuse(socket, id, client?.state);
      return undefined;
    }
    const sockets = this.#live.get(id) ?? new Set();
    this.#live.set(id, sockets.add(socket));
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) this.#live.delete(id);
    });
    socket.setNoDelay(true);
    return () => this.#keystore.client(id);
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

  endAll(): void {
    for (const sockets of this.#live.values()) for (const socket of sockets) socket.destroy();
  }

  /** Nothing is answered: whoever is not let in learns not even what speaks here. */
  #refuse(socket: TLSSocket, id: string | undefined, state: string | undefined): void {
    const why = state ?? (id === undefined ? 'no certificate' : 'unknown certificate');
    this.#log('info', 'client refused', { why, fingerprint: id });
    this.#refused(id ?? why);
    socket.destroy();
  }
}
