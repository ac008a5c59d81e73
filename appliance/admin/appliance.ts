import type { AuditTrail } from '../keystore/audit-trail.ts';
import type { Keystore } from '../keystore/keystore.ts';
import type { Item } from '../ttlv/item.ts';
import type { Knocks } from './knock.ts';
import type { JoinActs, PairActs, PairingView } from './pair.ts';
import type { BackupView, MadeView, RestoredView, StatusView, VerifiedView } from './schema.ts';

/** What the admin API shows from the start of the process on, be a wrapping key open or not. */
export interface Beginning {
  readonly status: () => Promise<StatusView>;
  readonly log: Log;
  /** A new node's way into a cluster. */
  readonly joins?: JoinActs;
}

/** What it shows and does once the keystore is open, passed in by whoever builds the server. */
export interface Appliance {
  readonly keystore: Keystore;
  readonly pair: PairActs;
  readonly status: () => Promise<StatusView>;
  readonly authority: {
    readonly certificate: string;
    makeClient(name: string): { readonly key: string; readonly certificate: string };
    signRequest(request: string, name?: string): string;
  };
  /** What KMIP clients are shown, and what a renewal will show them: PEM. */
  readonly serverCertificate: {
    readonly current: string;
    readonly next: string | undefined;
    renew(): string;
    /** Throws an error named RenewalError. */
    activate(): string;
  };
  readonly audit: Pick<AuditTrail, 'newest' | 'page' | 'check'>;
  /** Reads a certificate: its fingerprint, its last second, and whether it may sign others. */
  readonly readCertificate: (pem: string) => {
    readonly fingerprint: string;
    readonly notAfter: number;
    readonly isAuthority: boolean;
  };
  /** A structure of KMIP as the JSON profile writes it. */
  readonly described: (item: Item) => string;
  /** Ends live connections of a certificate. */
  readonly cut: (fingerprint: string) => number;
  readonly backups: {
    /** All throw errors named BackupError. */
    create(to: string | undefined, act: Act): Promise<MadeView>;
    stream(act: Act): AsyncIterable<Buffer>;
    verify(bytes: AsyncIterable<Buffer>, act: Act): Promise<VerifiedView>;
    list(folder: string | undefined): BackupView[];
    restore(
      bytes: AsyncIterable<Buffer>,
      act: Act,
      choice: {
        readonly fromRemoved: boolean;
        /** Puts its keys in the place of those that are here, which are saved there first. */
        readonly replacing?: { readonly name: string; readonly saveTo: string };
      },
    ): Promise<RestoredView>;
  };
  /** Goes on without records that a put-back database lacks; false where none are missing. */
  readonly acceptLoss: () => Promise<boolean>;
  readonly now: () => number;
  readonly newIdentifier: () => string;
  readonly log: Log;
}

type Log = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** What the routes work with. */
export interface Reach {
  readonly status: () => Promise<StatusView>;
  /** Throws AdminError `not-serving` while no wrapping key is open. */
  readonly opened: () => Appliance;
  /** Throws AdminError `refused` once this node has keys. */
  readonly joins: () => JoinActs;
  readonly pairing: () => PairingView;
  readonly knocks: Knocks;
}

/** Who acts, and under which request id; part of every audit entry. */
export interface Act {
  readonly request: string;
  readonly actor: string;
}
