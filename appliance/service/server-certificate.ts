import { createPublicKey } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../disk/durable-file.ts';
import type { ServerIdentity } from './node-secret.ts';

/** A step of a renewal that cannot be taken now. */
export class RenewalError extends Error {
  override readonly name = 'RenewalError';
}

/**
 * What KMIP clients are shown, and what they will be shown. vCenter trusts an exact certificate, so
 * a new one is made first, then given to vCenter, and shown only when a person says so.
 */
export class ServerCertificate {
  readonly #identity: ServerIdentity;
  readonly #folder: string;
  readonly #names: readonly string[];
  readonly #show: (certificate: string) => void;
  #current: string;

  /** `folder`: where server.pem lies. `show`: has the open ports show another certificate. */
  constructor(parts: {
    readonly identity: ServerIdentity;
    readonly folder: string;
    readonly names: readonly string[];
    readonly show: (certificate: string) => void;
  }) {
    this.#identity = parts.identity;
    this.#folder = parts.folder;
    this.#names = parts.names;
    this.#show = parts.show;
    this.#current = parts.identity.certificate;
  }

  /** PEM. */
  get current(): string {
    return this.#current;
  }

  /** PEM, once it is made and until it is shown. */
  get next(): string | undefined {
    try {
      return readFileSync(this.#path('server-next.pem'), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Makes the next one for the same key and names, unless there is one; gives it. */
  renew(): string {
    const { authority, key } = this.#identity;
    const waiting = this.next;
    if (waiting !== undefined) return waiting;
    const made = authority.serverCertificate(createPublicKey(key), this.#names);
    replaceFile(this.#path('server-next.pem'), Buffer.from(made), 0o644);
    return made;
  }

  /** Shows the next one on new connections; those there are go on. Throws RenewalError. */
  activate(): string {
    const { next } = this;
    if (next === undefined) throw new RenewalError('there is no new certificate');
    replaceFile(this.#path('server.pem'), Buffer.from(next), 0o644);
    rmSync(this.#path('server-next.pem'));
    this.#current = next;
    this.#show(next);
    return next;
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}
