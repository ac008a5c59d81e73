/** What the audit says of one act (a KMIP operation or an administrator's): no secret, ever. */
export interface AuditEntry {
  /** The id that all log lines of the request bear. */
  readonly request: string;
  /** "client:NAME", "admin:NAME", "node", "console": a person at the keeper's console. */
  readonly actor: string;
  /** The KMIP operation or the administrative act: "Get", "client block". */
  readonly act: string;
  readonly object?: string;
  readonly outcome: 'success' | 'denied' | 'failed';
  /** Result Reason or error code where it did not succeed. */
  readonly reason?: string;
}
