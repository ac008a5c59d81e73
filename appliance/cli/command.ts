import type { Context } from './context.ts';

export interface CommandOption {
  /** As a person types it: "--out <dir>", "--yes", "--no-wait". */
  readonly flags: string;
  readonly what: string;
  readonly default?: string;
  readonly required?: true;
}

/** One command of the table from which the parser, the documents and the completions are made. */
export interface Command {
  /** "noun verb", or one word. */
  readonly name: string;
  /** "<id>" for one that is needed, "[id]" for one that is not, "<file...>" for several. */
  readonly parameters?: readonly string[];
  readonly what: string;
  readonly options?: readonly CommandOption[];
  /** `options`: by the long name in camel case; a text where it takes a value, else a boolean. */
  run(
    context: Context,
    parameters: readonly string[],
    options: Readonly<Record<string, unknown>>,
  ): Promise<void>;
}

/** What a noun is about, for help and documents. */
export interface Noun {
  readonly name: string;
  readonly what: string;
  readonly commands: readonly Command[];
}
