/** Time and chance as replication sees them: real in a node, simulated in a simulation. */
export interface Surroundings {
  /** Milliseconds of a clock that never goes back; waits and heartbeats are measured by it. */
  readonly elapsed: () => number;
  /** Seconds since 1970: shown to people, never decided by. */
  readonly now: () => number;
  /** Calls once after so many milliseconds; what it gives back cancels that. */
  readonly after: (milliseconds: number, act: () => void) => () => void;
  readonly random: (bytes: number) => Buffer;
  readonly log: (
    level: 'debug' | 'info' | 'warn' | 'error',
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
}

/** Resolves after so many milliseconds. */
export function pause({ after }: Surroundings, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    after(milliseconds, resolve);
  });
}
