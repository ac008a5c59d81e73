import type { PeersView } from '../admin/pair.ts';
import type { StatusView } from '../admin/schema.ts';

/** What the console knows at one moment. */
export interface Facts {
  /** Seconds since 1970. */
  readonly time: number;
  readonly host: string;
  /** IPv4 and IPv6 addresses of this box that others can reach. */
  readonly addresses: readonly string[];
  /** Whether the clock follows a time server; absent where nobody can say. */
  readonly clockFollows?: boolean;
  readonly status?: StatusView;
  readonly peers?: PeersView;
  /** Why the server did not say. */
  readonly failure?: { readonly message: string; readonly hint: string };
}

/** The word in large. */
export type StateWord = StatusView['state'] | 'NO ANSWER';

export function stateWord({ status }: Facts): StateWord {
  return status?.state ?? 'NO ANSWER';
}

/** Every warning as one line that says what to do. */
export function warningsOf({ status, failure }: Facts): readonly string[] {
  if (failure === undefined) return status?.warnings ?? [];
  return [`${failure.message}: ${failure.hint}`];
}
