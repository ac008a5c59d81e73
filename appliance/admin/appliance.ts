import type { Keystore } from '../keystore/keystore.ts';
import type { StatusView } from './schema.ts';

/** What the admin API shows and does, passed in by whoever builds the server. */
export interface Appliance {
  readonly keystore: Keystore;
  readonly status: () => Promise<StatusView>;
  readonly authority: {
    readonly certificate: string;
    makeClient(name: string): { readonly key: string; readonly certificate: string };
    signRequest(request: string, name?: string): string;
  };
  /** Reads a certificate: its fingerprint and its last second. */
  readonly readCertificate: (pem: string) => { fingerprint: string; notAfter: number };
  /** Ends live connections of a certificate. */
  readonly cut: (fingerprint: string) => number;
  readonly now: () => number;
  readonly newIdentifier: () => string;
  readonly log: (
    level: 'info' | 'warn' | 'error',
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
}

/** Who acts, and under which request id; part of every audit entry. */
export interface Act {
  readonly request: string;
  readonly actor: string;
}
