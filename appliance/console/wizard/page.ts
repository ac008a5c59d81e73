import type { Typed, Field } from '../form.ts';
import type { BoxChecks } from '../../setup/box.ts';

/** What the wizard's pages know of the box and its tokens. */
export interface WizardFacts {
  /** Absent: the machine is not ours, and its network, name and clock are left alone. */
  readonly interfaces?: readonly string[];
  /** The tokens by name, with what the keeper says of each. */
  readonly tokens: readonly {
    readonly name: string;
    readonly text: string;
    /** There is none with our label: it may be blank. */
    readonly isAbsent: boolean;
  }[];
  readonly checks?: BoxChecks;
  /** Seconds since 1970, with their fraction. */
  readonly now: () => number;
}

/** One screen: a question, why it is asked, what is typed, and what is looked at then. */
export interface WizardPage {
  readonly title: string;
  /** One sentence. */
  readonly why: string;
  fields(typed: Typed, facts: WizardFacts): readonly Field[];
  /** What cannot be: a line that says what to do; absent where all is well. */
  fault(typed: Typed, facts: WizardFacts): string | undefined;
  /** Live looks: lines for a person; throws an error with a line where it cannot go on. */
  look?(typed: Typed, facts: WizardFacts): Promise<readonly string[]>;
}
