import type { AdminClient } from '../admin/client.ts';
import type { KeeperConsole } from '../keeper-client/console.ts';
import type { Box } from '../setup/box.ts';
import type { Facts } from './facts.ts';
import type { WizardFacts } from './wizard/page.ts';

/** One look at the network: what is tried, and what came of it. */
export interface NetworkTest {
  readonly name: string;
  /** Gives a sentence; throws an error whose message says what is wrong and what to do. */
  run(): Promise<string>;
}

/** What the console has of the box that it runs on; passed in by whoever starts it. */
export interface Surroundings {
  readonly admin: AdminClient;
  /** Absent where the machine is not ours. */
  readonly box?: Box;
  /** What the set-up's pages know. Throws an error whose message a person can read. */
  wizardFacts(): Promise<WizardFacts>;
  /** A label for a new root key. */
  newLabel(): string;
  /** Lets a moment pass. */
  pause(): Promise<void>;
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

/** One talk with the keeper on a connection of its own. */
export async function withKeeper<T>(
  surroundings: Surroundings,
  act: (keeper: KeeperConsole) => Promise<T>,
): Promise<T> {
  const keeper = surroundings.keeper();
  try {
    return await act(keeper);
  } finally {
    keeper.close();
  }
}
