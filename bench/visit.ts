import { request, wire } from '../test/harness/vcenter.ts';
import { exchange, measured, opened, roundOf } from './load.ts';
import type { Round } from './load.ts';
import { processorTime } from './target.ts';
import type { Target } from './target.ts';

/** What vCenter's connections begin with. */
export const discover = request([wire.discoverVersions()], { ids: false });
const getsOfHost = 16;

/** What vCenter does for each action: a new connection, Discover Versions, Get. */
export function visits(
  target: Target,
  get: Buffer,
  load: { readonly seconds: number; readonly clients: number },
): Promise<Round> {
  return measured(target, load.seconds, load.clients, async () => {
    const socket = await opened(target);
    try {
      await exchange(socket, discover);
      await exchange(socket, get);
    } finally {
      socket.destroy();
    }
  });
}

/**
 * Every host of a site asks at once: a handshake and 16 Gets each, so many of them under way
 * together. A latency is that of a whole host; throws at the first one that is refused.
 */
export async function storm(
  target: Target,
  get: Buffer,
  { hosts, together }: { readonly hosts: number; readonly together: number },
): Promise<Round> {
  const latencies: number[] = [];
  let left = hosts;
  const processor = processorTime(target.processes());
  const start = process.hrtime.bigint();
  const since = (from: bigint): number => Number(process.hrtime.bigint() - from) / 1000;
  const line = async (): Promise<void> => {
    while (left > 0) {
      left--;
      const asked = process.hrtime.bigint();
      const socket = await opened(target);
      for (let i = 0; i < getsOfHost; i++) await exchange(socket, get);
      socket.destroy();
      latencies.push(since(asked));
    }
  };
  await Promise.all(Array.from({ length: together }, line));
  return roundOf(latencies, since(start), processorTime(target.processes()) - processor);
}
