import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, removeFolder, RunningAppliance, temporaryFolder, until } from './appliance.ts';
import type { Role } from './appliance.ts';
import { KmipClient } from './kmip-client.ts';
import { wire } from './vcenter.ts';

/** What a drill came to. Times in milliseconds, memory in MiB. */
export interface Drill {
  readonly keys: number;
  readonly bytes: number;
  /** Keys whose digest differs, or that are not there. */
  readonly wrong: number;
  readonly milliseconds: { create: number; backup: number; restore: number; fetch: number };
  /** The most that a process had in memory at once (VmHWM). */
  readonly mebibytes: { backup: number; restore: number };
}

const connections = 16;
/** So many keys are asked for in one message. */
const together = 32;
const patience = 3 * 3600_000;

/**
 * Loses a node with so many keys, restores its backup with shares on a box whose token is another
 * one, and fetches each key through KMIP. Every digest is compared with what the first node gave.
 */
export async function drill(keys: number, say: (text: string) => void): Promise<Drill> {
  const milliseconds = { create: 0, backup: 0, restore: 0, fetch: 0 };
  const mebibytes = { backup: 0, restore: 0 };
  const timed = async <T>(step: keyof typeof milliseconds, act: () => Promise<T>): Promise<T> => {
    const begun = performance.now();
    const done = await act();
    milliseconds[step] = Math.round(performance.now() - begun);
    say(`${step}: ${milliseconds[step]} ms`);
    return done;
  };
  const digests = new Map<string, string>();
  const away = temporaryFolder();
  const old = await begun(['--token', 'softhsm']);
  let bytes: number;
  try {
    await timed('create', () =>
      spread(keys, old, async (client, _, count) => {
        const ids = await client.createAll(count);
        const made = await client.insist(() => client.getAll(ids));
        for (const [i, id] of ids.entries()) digests.set(id, digestOf(made[i] ?? ''));
      }),
    );
    const memory = new Memory(old);
    const made = await timed('backup', () =>
      old.twinlock('backup', 'create', '--to', join(away, 'all.backup'), '--json'),
    );
    mebibytes.backup = memory.end();
    if (made.code !== 0) throw new Error(made.stderr);
    ({ bytes } = JSON.parse(made.stdout) as { bytes: number });
    for (const folder of ['client', 'trial-shares']) {
      cpSync(old.file(folder), join(away, folder), { recursive: true });
    }
  } finally {
    await old.stop();
    removeFolder(old.state);
  }
  const node = await begun(['--token', 'tpm', '--blank']);
  try {
    const memory = new Memory(node);
    const shares = readdirSync(join(away, 'trial-shares')).slice(0, 3);
    const files = shares.map((name) => join(away, 'trial-shares', name));
    const done = await timed('restore', () =>
      node.twinlock('restore', join(away, 'all.backup'), ...files, '--json'),
    );
    mebibytes.restore = memory.end();
    if (done.code !== 0) throw new Error(done.stderr);
    const { stdout } = await node.twinlock('status', '--json');
    const { endpoint } = JSON.parse(stdout) as { endpoint: string };
    const back = new RunningAppliance(node.state, endpoint, node.child, node.ended);
    cpSync(join(away, 'client'), back.file('client'), { recursive: true });
    const ids = [...digests];
    let wrong = 0;
    await timed('fetch', () =>
      spread(keys, back, async (client, first, count) => {
        const some = ids.slice(first, first + count);
        const found = await client.insist(() => client.getAll(some.map(([id]) => id)));
        for (const [i, [, digest]] of some.entries()) {
          if (digestOf(found[i] ?? '') !== digest) wrong++;
        }
      }),
    );
    return { keys: digests.size, bytes, wrong, milliseconds, mebibytes };
  } finally {
    await node.stop();
    removeFolder(node.state);
    removeFolder(away);
  }
}

async function begun(parameters: readonly string[]): Promise<RunningAppliance> {
  const state = temporaryFolder();
  const started = launch(['--state', state, '--listen', '127.0.0.1:0', ...parameters]);
  if (parameters.includes('--blank')) {
    const node = new RunningAppliance(state, '127.0.0.1:0', started.child, started.ended);
    const waits = async (): Promise<boolean> =>
      (await node.twinlock('status')).stdout.includes('NOT CONFIGURED');
    await until('the box waits', waits, patience);
    return node;
  }
  const first = await Promise.race([started.ready, started.ended]);
  if (typeof first !== 'string') throw new Error(first.stderr);
  return new RunningAppliance(state, first, started.child, started.ended);
}

/** Does something with so many keys, some at a time, over several connections. */
async function spread(
  count: number,
  node: RunningAppliance,
  act: (client: KmipClient, first: number, count: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    const client = new KmipClient(node);
    // A machine that is busy may take longer for a handshake than the server waits for one.
    await client.insist(() => client.send(wire.discoverVersions()));
    while (next < count) {
      const first = next;
      next = Math.min(count, next + together);
      await act(client, first, next - first);
    }
    client.end();
  };
  await Promise.all(Array.from({ length: Math.min(connections, count) }, one));
}

function digestOf(key: string): string {
  return createHash('sha256').update(key, 'hex').digest('hex');
}

/** Watches the most memory that server and keeper had, through restarts. */
class Memory {
  #most = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(node: RunningAppliance) {
    const roles: readonly Role[] = ['server', 'keeper'];
    const look = (): void => {
      for (const pid of roles.flatMap((role) => node.processes(role))) this.#see(pid);
    };
    this.#timer = setInterval(look, 500);
  }

  end(): number {
    clearInterval(this.#timer);
    return Math.round(this.#most / 1024);
  }

  #see(pid: number): void {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      this.#most = Math.max(this.#most, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // It ended in between.
    }
  }
}
