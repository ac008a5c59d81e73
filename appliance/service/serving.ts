import { parseArgs } from 'node:util';
import { AdminClient } from '../admin/client.ts';
import { explain, Stop } from './exit.ts';

/** Milliseconds from one look to the next, and the most that one may take. */
const pauseMilliseconds = 2_000;
const lookPatience = 10_000;

/**
 * Whether this node may be taken for well: it serves keys, or has none yet, and every other node is
 * present and in step. Ends with 0 as soon as it is so; by `--within SECONDS` it fails and says
 * what was missing, without it it waits for ever. The image asks before an update begins, and
 * before it keeps one.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      socket: { type: 'string', default: '/run/twinlock/admin/admin.sock' },
      within: { type: 'string' },
    },
  });
  const admin = new AdminClient(values.socket, lookPatience);
  const end =
    values.within === undefined ? Infinity : performance.now() + Number(values.within) * 1000;
  if (Number.isNaN(end)) throw new Stop('usage', '--within is not a number', 'give seconds');
  for (;;) {
    const missing = await missingIn(admin);
    if (missing === undefined) return;
    if (performance.now() >= end) {
      throw new Stop('failed', missing, 'mend that first: twinlock status, twinlock peer status');
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
  }
}

/** What is not as it has to be, in words; absent where all is. */
async function missingIn(admin: AdminClient): Promise<string | undefined> {
  try {
    const { state } = await admin.status();
    if (state === 'NOT CONFIGURED') return undefined;
    if (state !== 'SERVING' && state !== 'DEGRADED') return `this node is ${state}`;
    const { peers } = await admin.peers();
    const behind = peers.find((peer) => peer.state !== 'present' || peer.lag > 0);
    if (behind === undefined) return undefined;
    return `the node ${behind.name} is ${behind.state}, ${behind.lag} records behind`;
  } catch (error) {
    return error instanceof Error ? error.message : 'the server does not answer';
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => process.exit(explain(error)),
);
