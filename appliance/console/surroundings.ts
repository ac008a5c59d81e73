import type { AdminClient } from '../admin/client.ts';
import type { KeeperConsole } from '../keeper-client/console.ts';
import type { Facts } from './facts.ts';

/** One look at the network: what is tried, and what came of it. */
export interface NetworkTest {
  readonly name: string;
  /** Gives a sentence; throws an error whose message says what is wrong and what to do. */
  run(): Promise<string>;
}

/** What the console has of the box that it runs on; passed in by whoever starts it. */
export interface Surroundings {
  readonly admin: AdminClient;
  /** Throws CommandError where the keeper is not there. */
  keeper(): KeeperConsole;
  /** Never throws: what cannot be known is absent. */
  facts(): Promise<Facts>;
  networkTests(): readonly NetworkTest[];
  /** The last lines of the appliance's log. Never throws. */
  readonly logLines: (count: number) => Promise<readonly string[]>;
  /** Throws an error whose message a person can read. */
  readonly restart: () => Promise<void>;
  readonly shutDown: () => Promise<void>;
}

/** An error as one line for a person: what it is, and what to do where it knows. */
export function lineOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { hint } = error as { hint?: unknown };
  return typeof hint === 'string' ? `${error.message}: ${hint}` : error.message;
}
