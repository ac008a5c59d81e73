import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stop } from './exit.ts';

/** Takes a state folder for this process; gives the function that lets it go. Throws Stop. */
export function lockState(state: string): () => void {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const path = join(state, 'lock');
  const holder = readHolder(path);
  if (holder !== undefined && isTrial(holder)) {
    const hint = `stop process ${holder}, or choose another --state`;
    throw new Stop('stateInUse', 'another trial runs on this state folder', hint);
  }
  writeFileSync(path, `${process.pid}\n`);
  return () => {
    rmSync(path, { force: true });
  };
}

function readHolder(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** A process of that number may be anybody's by now. */
function isTrial(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('service/trial.');
  } catch {
    return false;
  }
}
