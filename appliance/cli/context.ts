import type { AdminClient } from '../admin/client.ts';
import type { KeeperConsole } from '../keeper-client/console.ts';
import type { Box } from '../setup/box.ts';

/** What a command works with. */
export interface Context {
  readonly admin: AdminClient;
  /** The keeper's console socket, where keys are rotated. */
  readonly keeper: () => KeeperConsole;
  readonly json: boolean;
  /** The state folder of a trial, where the command is for one. */
  readonly state?: string;
  /** Whether the node is another machine: nothing of this one belongs to it. */
  readonly elsewhere: boolean;
  /** The box that the command runs on; absent for a trial, whose machine is left alone. */
  readonly box?: Box;
  /** Prints the value as JSON, or the text. */
  readonly print: (value: unknown, text: () => string) => void;
  /**
   * A secret that a person types unseen, or a file's first line; undefined where nobody sits at a
   * terminal. Whoever asks wipes it.
   */
  readonly secret: (question: string, file?: string) => Promise<Buffer | undefined>;
  /** Whether a person sits at a terminal, who can be asked. */
  readonly attended: boolean;
  /** Asks a person to type a word; undefined where nobody sits at a terminal. */
  readonly ask: (question: string) => Promise<string | undefined>;
  /** Seconds since 1970, by the clock of the machine that the command runs on. */
  readonly now: () => number;
}

/** A command that cannot go on: said in two lines, with the exit code that its kind has. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}
