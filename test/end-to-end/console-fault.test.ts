import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { removeFolder, startAppliance, temporaryFolder } from '../harness/appliance.ts';
import { buildFaultySystem, FaultySystem } from '../harness/faulty-system.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { startPair } from '../harness/pair.ts';
import { Screen } from '../harness/screen.ts';

const root = join(import.meta.dirname, '..', '..');

function consoleOf(t: ExecutionContext, state: string): Screen {
  const node = join(root, 'node_modules', '.bin', 'node');
  const program = join(root, 'appliance', 'service', 'console.ts');
  const screen = new Screen([node, program, '--state', state]);
  t.teardown(() => {
    screen.close();
  });
  return screen;
}

/** A warning is one line that is not cut: what to do stands at its end. */
function whole(t: ExecutionContext, lines: readonly string[]): void {
  const warnings = lines.filter((line) => line.startsWith('  ! '));
  t.true(warnings.length > 0);
  for (const line of warnings) t.notRegex(line, /(?:\.\.\.|…)$/, line);
}

test('a full disk and a clock beyond every certificate are said with what to do', async (t) => {
  t.timeout(240_000);
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const system = new FaultySystem(buildFaultySystem(folder), join(folder, 'orders'));
  const appliance = await startAppliance(t, { token: 'softhsm', environment: system.environment });
  const screen = consoleOf(t, appliance.state);
  await screen.until(/S *ERVING|<F2> Configure/);
  const client = new KmipClient(appliance);
  const key = await client.create();

  system.order({ write: 'ENOSPC' });
  await t.throwsAsync(client.create());
  whole(t, await screen.until(/! nothing can be stored, keys are served: free space on the disk/));
  t.is((await client.get(key)).length, 64);
  system.order({});
  await client.insist(() => client.create());

  system.order({ ahead: 91 * 86_400 });
  screen.press('F8');
  await screen.until(/! nobody has recovered for 91 days, to try: twinlock recovery prove/);
  screen.press('Escape');

  // Eleven years on: the certificates have ended, and keys are served all the same.
  system.order({ ahead: 11 * 365 * 86_400 });
  const expired = await screen.until(/! the clock is past the end of the server.s certificate/);
  whole(t, expired);
  t.regex(expired.join('\n'), /certificate: set the time/);
  screen.press('F8');
  await screen.until(/! the certificate of \S+ has ended: give it another/);
  screen.press('Escape');
  t.is((await client.get(key)).length, 64);
  client.end();
  const again = new KmipClient(appliance);
  t.is((await again.get(key)).length, 64, 'a new connection, with a certificate that has ended');
  again.end();
  system.order({});
  await screen.until(/! this node is alone/);
});

test('an absent peer and an absent token are said with what to do', async (t) => {
  t.timeout(240_000);
  const { a, b } = await startPair(t);
  const screen = consoleOf(t, a.state);
  await screen.until(/Peer +\S+ present/);
  b.signal('server', 'SIGSTOP');
  whole(t, await screen.until(/! b is away[^]*(?:new key|copy)/));
  b.signal('server', 'SIGCONT');
  await screen.until(/Peer +\S+ present/);
  const client = new KmipClient(a);
  const key = await client.create();
  a.signal('token', 'SIGSTOP');
  whole(
    t,
    await screen.until(/! the root key .*, keys are served till a restart: twinlock token list/),
  );
  t.is((await client.get(key)).length, 64);
  client.end();
  a.signal('token', 'SIGCONT');
});
