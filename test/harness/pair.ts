import { cpSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { launch, removeFolder, RunningAppliance, temporaryFolder, until } from './appliance.ts';
import type { Ended } from './appliance.ts';

export interface RunningPair {
  readonly state: string;
  readonly a: RunningAppliance;
  readonly b: RunningAppliance;
  stop(): Promise<Ended>;
}

/** Starts two paired nodes as `run --pair` does, and waits until both serve. */
export async function startPair(
  t: Pick<ExecutionContext, 'teardown'>,
  {
    state = temporaryFolder(),
    token = 'softhsm',
    keep = false,
    environment = process.env,
  }: {
    readonly state?: string;
    readonly token?: string;
    readonly keep?: boolean;
    readonly environment?: NodeJS.ProcessEnv;
  } = {},
): Promise<RunningPair> {
  const options = ['--pair', '--state', state, '--token', token, '--listen', '127.0.0.1:0'];
  const started = launch(options, { environment });
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

/** Starts a node that is not set up, or one with a peer port, and gives it once it is there. */
export async function startNode(
  t: ExecutionContext,
  { fresh, state = temporaryFolder() }: { readonly fresh: boolean; readonly state?: string },
): Promise<RunningAppliance> {
  const port = await freePort();
  const started = launch([
    ...['--state', state, '--token', 'softhsm', '--listen', '127.0.0.1:0'],
    ...['--peer', `127.0.0.1:${port}`, ...(fresh ? ['--new'] : [])],
  ]);
  t.teardown(async () => {
    started.child.kill('SIGTERM');
    await started.ended;
    removeFolder(state);
  });
  const node = new RunningAppliance(state, '', started.child, started.ended);
  if (fresh) {
    const wanted = 'NOT CONFIGURED';
    const isThere = async (): Promise<boolean> =>
      (await node.twinlock('status')).stdout.startsWith(wanted);
    await until('the node is there', isThere, 120_000);
    return node;
  }
  const first = await Promise.race([started.ready, started.ended]);
  if (typeof first !== 'string') throw new Error(`${String(first.code)}: ${first.stderr}`);
  return new RunningAppliance(state, first, started.child, started.ended);
}

/** A port of 127.0.0.1 that nobody has now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
