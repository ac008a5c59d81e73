import { readFileSync } from 'node:fs';
import { AdminClient } from '../appliance/admin/client.ts';
import { until } from '../test/harness/appliance.ts';
import type { RunningAppliance } from '../test/harness/appliance.ts';
import { find, readAnswer, request, structure, text, wire } from '../test/harness/vcenter.ts';
import { idle } from './abuse.ts';
import { ask, exchangesOf, roundOf } from './load.ts';
import type { Round } from './load.ts';
import { processorTime } from './target.ts';
import type { Target } from './target.ts';

export interface Filled {
  readonly node: RunningAppliance;
  readonly target: Target;
  readonly ids: readonly string[];
}

const serverOf = (node: RunningAppliance): number => node.processes('server')[0] ?? 0;

/** Resident memory of a node's server in bytes. */
export function residentBytes(node: RunningAppliance): number {
  const status = readFileSync(`/proc/${serverOf(node)}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** Locate by one x-attribute that no other object has, as it lies in the index. */
export function locating(value: string): Buffer {
  const condition = structure(0x420008, text(0x42000a, 'x-bench'), text(0x42000b, value));
  return request([{ operation: 0x08, payload: condition }]);
}

/** Gives some of the keys an x-attribute of their own; gives its values. */
export async function named({ target, ids }: Filled, count: number): Promise<string[]> {
  const values: string[] = [];
  for (let i = 0; i < count; i++) {
    const id = ids[Math.floor((i * ids.length) / count)] ?? '';
    const value = `bench-${i}`;
    const answer = await ask(target, request([wire.addAttribute(id, 'x-bench', value)]));
    if (readAnswer(answer).results[0]?.status !== 0) throw new Error('no attribute was added');
    values.push(value);
  }
  return values;
}

/** One message after another out of many, the same ones in each round. */
export function spread(
  target: Target,
  load: { readonly seconds: number; readonly clients: number },
  messages: readonly Buffer[],
): Promise<Round> {
  let next = 0;
  const step = 7_919;
  return exchangesOf(target, load, {
    message: () => messages[(next += step) % messages.length] ?? Buffer.alloc(0),
    counts: (answer) => readAnswer(answer).results[0]?.status === 0,
  });
}

/**
 * From the end of a server to the first key that its next process answers, without the token: the
 * keeper stays open. A tenth of a second of it is the pause before it is started again.
 */
export async function restart({ node, target, ids }: Filled): Promise<Round> {
  const before = serverOf(node);
  const start = process.hrtime.bigint();
  node.signal('server', 'SIGKILL');
  const get = request([wire.get(ids[0] ?? '')]);
  await until(
    'it serves again',
    async () => {
      const answer = await ask(target, get).catch(() => undefined);
      return (
        answer !== undefined &&
        find(readAnswer(answer).results[0]?.payload ?? [], 0x42008f) !== undefined
      );
    },
    120_000,
  );
  const elapsed = Number(process.hrtime.bigint() - start) / 1000;
  const after = serverOf(node);
  if (after === before) throw new Error('the server was not started again');
  return roundOf([elapsed], elapsed, processorTime([after]));
}

/** Pages of the key list as an administrator turns them, one after another, from all over it. */
export async function listing({ node, ids }: Filled, milliseconds: number): Promise<Round> {
  const admin = new AdminClient(node.file('run', 'admin.sock'));
  const latencies: number[] = [];
  const [server = 0] = node.processes('server');
  const processor = processorTime([server]);
  const begun = performance.now();
  for (let at = 0; performance.now() - begun < milliseconds; at += 7_919) {
    const start = process.hrtime.bigint();
    const { keys } = await admin.keys({
      limit: '100',
      after: ids[at % Math.max(1, ids.length - 100)] ?? '',
    });
    if (keys.length === 0 && ids.length > 100) throw new Error('an empty page');
    latencies.push(Number(process.hrtime.bigint() - start) / 1000);
  }
  const elapsed = (performance.now() - begun) * 1000;
  return roundOf(latencies, elapsed, processorTime([server]) - processor);
}

/** What an idle connection keeps of the server's memory, in bytes. */
export async function bytesPerConnection({ node, target }: Filled, count: number): Promise<number> {
  const before = residentBytes(node);
  const sockets = await idle(target, count);
  const each = (residentBytes(node) - before) / count;
  for (const socket of sockets) socket.destroy();
  return each;
}
