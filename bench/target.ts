import { readdirSync, readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';

/** A server that is measured, and how to reach it. */
export interface Target {
  readonly name: string;
  readonly connect: ConnectionOptions;
  /** Numbers of the processes whose work counts. */
  readonly processes: () => readonly number[];
  readonly stop: () => Promise<void>;
}

const ticksPerSecond = 100;

/** Processor time that processes have used so far, in microseconds (proc(5), utime + stime). */
export function processorTime(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return (ticks * 1_000_000) / ticksPerSecond;
}

/** A process and all that it started. */
export function family(ancestor: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      parents.set(Number(name), parent);
    } catch {
      // It ended in between.
    }
  }
  const found = [ancestor];
  for (const pid of found) {
    for (const [child, parent] of parents) if (parent === pid) found.push(child);
  }
  return found;
}
