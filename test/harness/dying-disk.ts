import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** The calls that change what a power cut leaves behind. */
const changing = ['openSync', 'writeSync', 'fsyncSync', 'renameSync', 'rmSync'] as const;
type Changing = (typeof changing)[number];
type Call = (...parameters: unknown[]) => unknown;

/** What happens at the call that is meant. */
export interface Fate {
  /** The so-maniest call from now on. */
  readonly at: number;
  /** `dies`: nothing reaches the disk from there on; `fails`: that one call, once. */
  readonly how: 'dies' | 'fails';
  /** Half of what is to be written arrives before it dies. */
  readonly torn?: boolean;
  readonly then?: () => void;
}

/**
 * Runs an act while the process's own calls to the disk end as they are told; gives whether they
 * came that far. A process that is killed before a call and one whose every later call does nothing
 * leave the same disk.
 */
export async function withFate(fate: Fate, act: () => Promise<unknown>): Promise<boolean> {
  const real = new Map<Changing, Call>(changing.map((name) => [name, fs[name] as Call]));
  const state = { calls: 0, struck: false };
  const decide = (name: Changing, call: Call, parameters: unknown[]): unknown => {
    const strikes = state.calls++ === fate.at;
    if (!strikes && !(state.struck && fate.how === 'dies')) return call(...parameters);
    if (strikes) {
      state.struck = true;
      if (fate.torn === true && name === 'writeSync') tear(call, parameters);
      fate.then?.();
    }
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  };
  const set = (replace: (name: Changing, call: Call) => Call): void => {
    for (const [name, call] of real) Object.assign(fs, { [name]: replace(name, call) });
    syncBuiltinESMExports();
  };
  set(
    (name, call) =>
      (...parameters) =>
        isReading(name, parameters) ? call(...parameters) : decide(name, call, parameters),
  );
  try {
    await act();
  } finally {
    set((_, call) => call);
  }
  return state.struck;
}

/** Opening to read changes nothing. */
function isReading(name: Changing, [, flags]: unknown[]): boolean {
  return name === 'openSync' && flags === 'r';
}

function tear(write: Call, [file, bytes, at = 0]: unknown[]): void {
  const whole = bytes as Uint8Array;
  const start = at as number;
  write(file, whole.subarray(start, start + Math.floor((whole.length - start) / 2)));
}

/** Runs an act without waiting for the disk: thousands of writings are tried, and none dies. */
export async function withoutFlush(act: () => Promise<unknown>): Promise<void> {
  const real = fs.fsyncSync;
  const set = (flush: typeof fs.fsyncSync): void => {
    fs.fsyncSync = flush;
    syncBuiltinESMExports();
  };
  set(() => {});
  try {
    await act();
  } finally {
    set(real);
  }
}
