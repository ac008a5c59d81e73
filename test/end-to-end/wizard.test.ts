import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { startNode } from '../harness/pair.ts';
import { Screen } from '../harness/screen.ts';

const root = join(import.meta.dirname, '..', '..');
const passphrase = 'a passphrase for trying';

/** The console of a node, with F2 pressed. */
async function configuring(t: ExecutionContext, node: RunningAppliance): Promise<Screen> {
  const program = join(root, 'appliance', 'service', 'console.ts');
  const runtime = join(root, 'node_modules', '.bin', 'node');
  const screen = new Screen([runtime, program, '--state', node.state]);
  t.teardown(() => {
    screen.close();
  });
  await screen.until(/NOT CONFIGURED|N {3}N|#[^]*<F2> Configure/);
  screen.press('F2');
  return screen;
}

/** Types each text and Enter, one field after the other. */
function fill(screen: Screen, ...texts: readonly string[]): void {
  for (const text of texts) {
    if (text !== '') screen.type(text);
    screen.press('Enter');
  }
}

/** The four letters of each word that are enough, as the person would write them down. */
function wordsOf(lines: readonly string[]): string {
  const found = [
    ...lines
      .slice(1)
      .join('\n')
      .matchAll(/\b\d+ ([a-z]{3,8})\b/g),
  ].map(([, word]) => word);
  return found.map((word) => (word ?? '').slice(0, 4)).join(' ');
}

async function throughRecovery(screen: Screen): Promise<void> {
  await screen.until(/How many shares/);
  screen.press('BSpace');
  fill(screen, '3');
  screen.press('BSpace');
  fill(screen, '2');
  const shares: string[] = [];
  for (const index of [1, 2, 3]) {
    const lines = await screen.until(new RegExp(`Share ${index} of 3 [^]*Person ${index}, alone`));
    shares.push(wordsOf(lines));
    screen.press('Enter');
  }
  await screen.until(/Recovery set: prove it/);
  fill(screen, shares[0] ?? '', 'achieve and other words that are no share');
  await screen.until(/word \d+ is not one of the list|a share has \d+ words/);
  // The first share is still there: only the wrong one is typed again.
  screen.press('C-u');
  fill(screen, shares[2] ?? '');
}

/** Every page before the acts, with what a person gets wrong. */
async function throughPages(
  t: ExecutionContext,
  a: RunningAppliance,
  first: Screen,
): Promise<void> {
  await first.until(/Set-up: Administrator +1 of 5/);
  fill(first, 'too short', 'too short');
  await first.until(/! fifteen characters or more/);
  for (let i = 0; i < 9; i++) first.press('BSpace');
  first.press('Up');
  for (let i = 0; i < 9; i++) first.press('BSpace');
  fill(first, passphrase, passphrase);
  await first.until(/Set-up: Root key[^]*primary: SoftHSM/);
  fill(first, '', '');
  await first.until(/First or second node[^]*< the first >/);
  fill(first, '');
  await first.until(/When the other node is lost/);
  first.press('Down', 'BSpace', 'BSpace');
  fill(first, 'x');
  await first.until(/! hours: /);
  first.press('Escape');
  await first.until(/First or second node/);
  fill(first, '');
  // Going back kept what was typed.
  await first.until(/For how many hours +x/);
  first.press('Down', 'BSpace');
  fill(first, '48');
  await first.until(/Nothing is written yet[^]*new keys go on for 48 h/);
  t.regex((await a.twinlock('status')).stdout, /^NOT CONFIGURED/);
  fill(first, '');
}

test('two nodes are set up at their consoles, from nothing to a key on both', async (t) => {
  t.timeout(900_000);
  const a = await startNode(t, { fresh: true });
  const first = await configuring(t, a);
  await throughPages(t, a, first);
  await throughRecovery(first);
  const last = await first.until(/Set-up: done[^]*SHA-256\n +[\dA-F:]{48}/);
  const endpoint = /port (127\.0\.0\.1:\d+)/.exec(last.join('\n'))?.[1] ?? '';
  first.press('q');
  await first.until(/[▀▄█]{20}/);
  fill(first, '');
  await first.until(/KMIP +127\.0\.0\.1/);
  t.regex((await a.twinlock('peer', 'policy')).stdout, /alone-for 48h/);

  const made = await a.twinlock('client', 'add', '--name', 'vcenter', '--out', a.file('vcenter'));
  t.is(made.code, 0, made.stderr);
  const [host = '', port] = endpoint.split(':');
  const client = new KmipClient(a, 'vcenter', { host, port: Number(port) });
  const id = await client.create();
  const key = await client.get(id);

  const b = await startNode(t, { fresh: true });
  first.press('F2');
  await first.until(/administrator's passphrase, please/);
  fill(first, passphrase);
  await first.until(/4 +Invite a second node/);
  first.press('4');
  const invited = (await first.until(/its code +\S+/)).join('\n');
  const address = /first node +(\S+)/.exec(invited)?.[1] ?? '';
  const code = /its code +(\S+)/.exec(invited)?.[1] ?? '';
  const second = await configuring(t, b);
  await second.until(/Set-up: Administrator/);
  fill(second, passphrase, passphrase);
  await second.until(/Set-up: Root key/);
  fill(second, '', '');
  await second.until(/< the first >/);
  second.press('Right');
  await second.until(/Its code/);
  fill(second, '', address, code);
  await second.until(/second: joins 127\.0\.0\.1/);
  fill(second, '');
  const asked = /Are they these\?\n +([a-z ]+)\n +([a-z ]+)\n/;
  const words = async (screen: Screen): Promise<string> =>
    asked
      .exec((await screen.until(asked)).join('\n'))
      ?.slice(1)
      .join(' ') ?? '';
  t.is(await words(first), await words(second));
  first.type('y');
  second.type('y');
  await first.until(/has its keys and catches up/);
  const done = (await second.until(/Set-up: done[^]*port 127/)).join('\n');
  const [, there = ''] = /port 127\.0\.0\.1:(\d+)/.exec(done) ?? [];
  const other = new KmipClient(a, 'vcenter', { host: '127.0.0.1', port: Number(there) });
  t.is(await other.insist(() => other.get(id)), key);
  fill(second, '');
  await second.until(/Peer +\S+ present, in step/);
  await until('both have it', async () =>
    (await b.twinlock('key', 'show', id, '--json')).stdout.includes('"both"'),
  );
});
