import type { X509Certificate } from 'node:crypto';
import type { Client } from '../keystore/client.ts';
import type { Keystore } from '../keystore/keystore.ts';
import { fingerprint, readCertificate } from '../pki/fingerprint.ts';
import type { Log } from './log.ts';

/** More waiting certificates of one authority than a person reads through. */
const pendingMost = 32;
/** What is looked at costs a signature's check: strangers knock as often as they like. */
const looksOfSecond = 5;
const strangersMost = 1_000;
const nameLength = 40;

export interface PendingClientParts {
  readonly keystore: Keystore;
  readonly newIdentifier: () => string;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
}

/**
 * Puts unknown certificates that an administrator's authority has signed on the list where they
 * wait for a person. They are let in as little as any other until then: whoever holds a whole
 * company's root must not hold its keys.
 */
export class PendingClients {
  readonly #parts: PendingClientParts;
  /** Certificates that none of these authorities signed. */
  readonly #strangers = new Set<string>();
  #authorities = '';
  #second = 0;
  #looks = 0;

  constructor(parts: PendingClientParts) {
    this.#parts = parts;
  }

  /** Tells of a certificate that nobody knows and whose key the peer has proven to hold. */
  async met(certificate: X509Certificate): Promise<void> {
    const id = fingerprint(certificate);
    if (!this.#mayLook()) return;
    const { keystore, log } = this.#parts;
    const authorities = keystore.clients().filter(({ state }) => state === 'authority');
    this.#compare(authorities);
    if (this.#strangers.has(id)) return;
    const signer = authorities.find((each) => isSignedBy(certificate, each));
    if (signer === undefined) {
      this.#strangers.add(id);
      return;
    }
    try {
      if (await this.#wait(certificate, id, signer)) {
        log('warn', 'a certificate waits for a person', {
          fingerprint: id,
          authority: signer.name,
        });
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      log('warn', 'a certificate could not be put on the waiting list', { error: text });
    }
  }

  /** Whether it is on the list now and was not before. */
  async #wait(certificate: X509Certificate, id: string, signer: Client): Promise<boolean> {
    const { keystore, newIdentifier } = this.#parts;
    let added = false;
    await keystore.change((draft) => {
      const known = draft.clients();
      const waiting = known.filter(
        ({ state, group }) => state === 'pending' && group === signer.group,
      );
      if (known.some((each) => each.fingerprint === id) || waiting.length >= pendingMost) return;
      added = true;
      const client = newIdentifier();
      draft.append({
        ...{ kind: 'client-enrolled', client, fingerprint: id, group: signer.group },
        ...{ name: nameOf(certificate, id), certificate: certificate.toString() },
        state: 'pending',
      });
      const entry = { request: '', actor: signer.name, outcome: 'success' } as const;
      draft.audit({ ...entry, act: 'client waits', object: client });
    });
    return added;
  }

  #mayLook(): boolean {
    const second = this.#parts.now();
    if (second !== this.#second) this.#looks = 0;
    this.#second = second;
    return ++this.#looks <= looksOfSecond;
  }

  /** Who is a stranger holds as long as the authorities are the same. */
  #compare(authorities: readonly Client[]): void {
    const now = authorities.map(({ id }) => id).join();
    if (now !== this.#authorities || this.#strangers.size >= strangersMost) this.#strangers.clear();
    this.#authorities = now;
  }
}

/** By its key, not by its name alone (RFC 5280 §6.1.3 (a)(1)). */
function isSignedBy(certificate: X509Certificate, { certificate: pem }: Client): boolean {
  const authority = readCertificate(pem);
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

/** The common name as far as it may stand in a list, and enough of the fingerprint to be one. */
function nameOf({ subject }: X509Certificate, id: string): string {
  const [, common = 'client'] = /^CN=(.+)$/m.exec(subject) ?? [];
  const plain = common.replaceAll(/[^\w.@ +:-]/g, '?').slice(0, nameLength);
  return `${plain} ${id.slice(0, 8)}`;
}
