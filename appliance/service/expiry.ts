import type { Client } from '../keystore/client.ts';
import { readCertificate } from '../pki/fingerprint.ts';
import type { Log } from './log.ts';

const day = 86_400;
/** When it is said again, in days before the end. */
export const expirySteps = [90, 60, 30, 14, 7, 0] as const;
/** From here on it is an alarm: renewing takes people who have other things to do. */
const alarmDays = 30;

export interface Expiry {
  readonly what: string;
  /** Whole days; negative once it has ended. */
  readonly days: number;
}

/**
 * Watches when certificates end: the server's, and each client's that may come in. A certificate
 * that has ended still lets its client in: vCenter asks for keys when hosts start, and a person
 * decides who is shut out. It is said long before, louder each time.
 */
export class ExpiryWatch {
  readonly #log: Log;
  /** The end of each certificate by its fingerprint: reading them takes longer than a query. */
  readonly #ends = new Map<string, number>();
  readonly #said = new Map<string, number>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** What ends within 90 days, soonest first; what passed a step is logged once for each. */
  look(server: string, clients: readonly Client[], now: number): Expiry[] {
    const found = [
      { what: 'the server’s certificate', end: this.#endOf('server', server) },
      ...clients
        .filter(({ state }) => state === 'allowed')
        .map(({ name, fingerprint, certificate }) => ({
          what: `the certificate of ${name}`,
          end: this.#endOf(fingerprint, certificate),
        })),
    ]
      .map(({ what, end }) => ({ what, days: Math.floor((end - now) / day) }))
      .filter(({ days }) => days < expirySteps[0])
      .sort((one, other) => one.days - other.days);
    for (const each of found) this.#say(each);
    return found;
  }

  #say({ what, days }: Expiry): void {
    const step = expirySteps.findLast((each) => days < each) ?? expirySteps[0];
    if ((this.#said.get(what) ?? Infinity) <= step) return;
    this.#said.set(what, step);
    this.#log('warn', 'a certificate ends', { certificate: what, days });
  }

  #endOf(id: string, pem: string): number {
    const known = id === 'server' ? undefined : this.#ends.get(id);
    const end = known ?? Date.parse(readCertificate(pem).validTo) / 1000;
    this.#ends.set(id, end);
    return end;
  }
}

/** One line for each that ends soon enough to act on; the rest is told as a warning. */
export function expiryTexts(found: readonly Expiry[]): {
  readonly alarms: readonly string[];
  readonly warnings: readonly string[];
} {
  const text = ({ what, days }: Expiry): string =>
    days < 0
      ? `${what} has ended: ${remedy(what)}`
      : `${what} ends in ${days} days: ${remedy(what)}`;
  return {
    alarms: found.filter(({ days }) => days < alarmDays).map(text),
    warnings: found.filter(({ days }) => days >= alarmDays).map(text),
  };
}

function remedy(what: string): string {
  return what.startsWith('the server') ? 'twinlock certificate renew' : 'give it another';
}
