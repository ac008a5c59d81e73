/** Why a process ended, as a number that scripts and systemd can tell apart. */
export const exitCode = {
  failed: 1,
  usage: 2,
  configuration: 10,
  portTaken: 11,
  noToken: 12,
  pinWrong: 13,
  tokenLocked: 14,
  keeperUnreachable: 15,
  databaseUnreadable: 16,
  databaseForeign: 17,
  databaseNewer: 18,
  diskFull: 19,
  stateInUse: 20,
  slotTable: 21,
  softwareMissing: 22,
  shredded: 23,
  selfTest: 24,
} as const;

/** The end of a process that a person has to do something about. */
export class Stop extends Error {
  override readonly name = 'Stop';
  readonly exitCode: number;
  readonly hint: string;

  constructor(code: keyof typeof exitCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode[code];
    this.hint = hint;
  }
}

/** Says on standard error, in two lines, what happened and what to do; gives the exit code. */
export function explain(error: unknown): number {
  const stop = asStop(error);
  process.stderr.write(`error: ${stop.message}\nhint: ${stop.hint}\n`);
  return stop.exitCode;
}

function asStop(error: unknown): Stop {
  if (error instanceof Stop) return error;
  const { code, message } = error as { code?: unknown; message?: string };
  if (code === 'ENOSPC' || code === 'disk-full' || code === 'EDQUOT') {
    return new Stop(
      'diskFull',
      'the disk is full',
      'free some space and start again; nothing is lost',
    );
  }
  if (code === 'self-test-failed') {
    return new Stop(
      'selfTest',
      `self-test failed: ${message ?? 'unknown'}`,
      'start again; if it fails again, the processor, the memory or the software is broken',
    );
  }
  if (code === 'EADDRINUSE') {
    return new Stop(
      'portTaken',
      'the port is taken',
      'stop the other program or choose another --listen',
    );
  }
  if (code === 'EADDRNOTAVAIL') {
    return new Stop('portTaken', 'this machine has no such address', 'choose another --listen');
  }
  return new Stop('failed', message ?? 'unknown', 'the log says more');
}
