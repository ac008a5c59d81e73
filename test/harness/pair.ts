import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { launch, removeFolder, RunningAppliance, temporaryFolder } from './appliance.ts';
import type { Ended } from './appliance.ts';

export interface RunningPair {
  readonly state: string;
  readonly a: RunningAppliance;
  readonly b: RunningAppliance;
  stop(): Promise<Ended>;
}

/** Starts two paired nodes as `run --pair` does, and waits until both serve. */
export async function startPair(
  t: ExecutionContext,
  { state = temporaryFolder(), token = 'softhsm', keep = false } = {},
): Promise<RunningPair> {
  const started = launch(['--pair', '--state', state, '--token', token, '--listen', '127.0.0.1:0']);
  t.teardown(async () => {
    started.child.kill('SIGTERM');
    await started.ended;
    if (!keep) removeFolder(state);
  });
  const first = await Promise.race([started.ready, started.ended]);
  if (typeof first !== 'string') throw new Error(`${String(first.code)}: ${first.stderr}`);
  const node = (name: string, endpoint: string): RunningAppliance =>
    new RunningAppliance(join(state, name), endpoint, started.child, started.ended);
  const a = node('a', first);
  const status = await node('b', '').twinlock('status', '--json');
  const { endpoint } = JSON.parse(status.stdout) as { endpoint: string };
  const b = node('b', endpoint);
  // The client that was made on one node is let in on the other with the same files.
  cpSync(a.file('client'), b.file('client'), { recursive: true });
  return { state, a, b, stop: () => a.stop() };
}
