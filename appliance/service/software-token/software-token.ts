/** A token of software, for trials and tests: whoever has its files has its keys. */
export interface SoftwareToken {
  /** Path of the PKCS#11 module. */
  readonly module: string;
  readonly environment: Readonly<Record<string, string>>;
  /** A shell command to run before each start of the token process. */
  readonly before?: string;
  /** Where it listens, if it does. */
  readonly port?: number;
  /** Its process, if it has one. */
  readonly pid?: number | undefined;
  /** Resolves with false when it was told to stop, with true when it died by itself. */
  readonly ended: Promise<boolean>;
  stop(): Promise<void>;
}
