import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { AdminClient } from '../appliance/admin/client.ts';
import { until } from '../test/harness/appliance.ts';
import { request, wire } from '../test/harness/vcenter.ts';

/** Milliseconds for which each of many kept connections stood after its certificate was blocked. */
export interface Cut {
  readonly here: readonly number[];
  readonly there: readonly number[];
}

/** A line for each node. */
export function cutText({ here, there }: Cut): string {
  const line = (where: string, took: readonly number[]): string => {
    const sorted = [...took].sort((x, y) => x - y);
    const [median, longest] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)].map((each) =>
      (each ?? NaN).toFixed(0),
    );
    const whose = `${took.length} connections of a blocked certificate to the ${where} node`;
    return `${whose} have ended after ${median} ms (median), ${longest} ms (longest)\n`;
  };
  return line('same', here) + line('other', there);
}

const kept = 32;

/**
 * Keeps connections to two nodes, blocks their certificate at the first one, and measures from the
 * order until each has ended; again and again. The certificate is let in afterwards.
 */
export async function blocked(
  admin: AdminClient,
  nodes: readonly [here: ConnectionOptions, there: ConnectionOptions],
  { name, rounds }: { readonly name: string; readonly rounds: number },
): Promise<Cut> {
  const { clients } = await admin.clients();
  const id = clients.find((each) => each.name === name)?.id;
  if (id === undefined) throw new Error(`no client ${name}`);
  const took: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const ends: Promise<void>[] = [];
    let begun = 0;
    for (const [i, node] of nodes.entries()) {
      for (let n = 0; n < kept; n++) {
        const socket = await letIn(node);
        ends.push(
          new Promise((resolve) => {
            socket.once('close', () => {
              took[i]?.push(performance.now() - begun);
              resolve();
            });
          }),
        );
      }
    }
    begun = performance.now();
    await admin.blockClient(id);
    await Promise.all(ends);
    await admin.allowClient(id);
  }
  return { here: took[0], there: took[1] };
}

/** A connection that was answered: the other node may not know yet that it is let in again. */
async function letIn(options: ConnectionOptions): Promise<TLSSocket> {
  let found: TLSSocket | undefined;
  await until('the certificate is let in', async () => {
    found = await answered(options);
    return found !== undefined;
  });
  if (found === undefined) throw new Error('not let in');
  return found;
}

function answered(options: ConnectionOptions): Promise<TLSSocket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ ...options, rejectUnauthorized: false });
    socket.on('error', () => {});
    socket.once('close', () => {
      resolve(undefined);
    });
    socket.once('data', () => {
      resolve(socket);
    });
    socket.write(request([wire.discoverVersions()]));
  });
}
