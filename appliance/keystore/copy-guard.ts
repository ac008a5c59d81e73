import type { Kind } from './payload.ts';
import type { RecordHead } from './record.ts';

/**
 * What a keystore with other nodes beside it asks: before it makes a record, and before it answers
 * for one that must not be lost with this node (DESIGN, "Two nodes").
 */
export interface CopyGuard {
  /** Throws KeystoreError `copies-missing` or `read-only` where no such record may be made now. */
  admit(kind: Kind): void;
  /**
   * Resolves once the records of one change, which are durable here, have the copies that the
   * policy demands. Throws KeystoreError `copies-missing`: they stay, and travel later.
   */
  confirm(records: readonly RecordHead[]): Promise<void>;
}
