import type { Shown } from './remote-listener.ts';

/** Somebody who showed a certificate that has no role. */
export interface Knock {
  /** What the certificate calls its holder: nobody has vouched for that. */
  readonly name: string;
  /** SHA-256 in hexadecimal. */
  readonly fingerprint: string;
  /** PEM. */
  readonly certificate: string;
  /** Where the connection came from, and when (seconds since 1970). */
  readonly address: string;
  readonly time: number;
}

const most = 8;
/** So that one stranger does not push everybody else out. */
const mostOfOneAddress = 2;
const longestName = 64;

/**
 * The newest certificates without a role that were shown at the admin port, in memory alone: where
 * there is no shell to bring a file to, an officer takes the first administrator from here.
 */
export class Knocks {
  #knocks: Knock[] = [];

  note({ certificate, fingerprint }: Shown, address: string, time: number): void {
    const knock = {
      name: nameIn(certificate.subject),
      ...{ fingerprint, certificate: certificate.toString(), address, time },
    };
    const others = this.#knocks.filter((each) => each.fingerprint !== fingerprint);
    const near = others.filter((each) => each.address === address).slice(0, mostOfOneAddress - 1);
    const kept = others.filter((each) => each.address !== address || near.includes(each));
    this.#knocks = [knock, ...kept].slice(0, most);
  }

  /** The newest first. */
  all(): readonly Knock[] {
    return this.#knocks;
  }

  /** Forgets one that has a role now. */
  settle(fingerprint: string): void {
    this.#knocks = this.#knocks.filter((each) => each.fingerprint !== fingerprint);
  }
}

/**
 * The common name, as far as an administrator may be called so: what a terminal would take for an
 * order is no part of that.
 */
function nameIn(subject: string): string {
  const [, name = ''] = /(?:^|\n)CN=(.*)/.exec(subject) ?? [];
  const shown = name.replaceAll(/[^\w.@ +:-]/g, '').slice(0, longestName);
  return shown === '' ? 'without a name' : shown;
}
