import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { startAppliance, until } from '../harness/appliance.ts';
import type { Ended, RunningAppliance } from '../harness/appliance.ts';

interface Entry {
  readonly actor: string;
  readonly act: string;
  readonly object?: string;
  readonly outcome: string;
  readonly reason?: string;
}

/** What the audit has of persons at the keeper's console, without what a trial did to be set up. */
async function acts(node: RunningAppliance): Promise<string[]> {
  const { stdout } = await node.twinlock('audit', 'export');
  const entries = stdout.split('\n').filter((line) => line !== '');
  return entries
    .map((line) => JSON.parse(line) as Entry)
    .filter(({ actor }) => actor === 'console')
    .map(({ act, object, outcome, reason }) =>
      [act, object, outcome, reason].filter((each) => each !== undefined).join(' '),
    );
}

const secrets = {
  right: 'a passphrase for here',
  wrong: 'somebody else’s passphrase',
  pin: '20263141592',
};

/** Does what a person does at the box, rightly and wrongly; gives what the audit has to say. */
async function everyAct(t: ExecutionContext, node: RunningAppliance): Promise<string[]> {
  const file = (name: keyof typeof secrets): string => {
    const path = node.file(`typed-${name}`);
    writeFileSync(path, `${secrets[name]}\n`);
    return path;
  };
  const ends = async (code: number, ...words: string[]): Promise<Ended> => {
    const ended = await node.twinlock(...words);
    t.is(ended.code, code, words.join(' ') + ended.stdout + ended.stderr);
    return ended;
  };
  const set = ['administrator', 'set', '--passphrase-file', file('right')];
  await ends(0, ...set);
  await ends(3, ...set, '--old-file', file('wrong'));
  await ends(0, 'seal');
  // Nobody who seals waits for the audit: the server may be away.
  t.is(node.signal('server', 'SIGKILL'), 1);
  // Who types the PIN where the name belongs does not have it written down.
  await ends(6, 'token', 'unlock', '--token', secrets.pin, '--pin-file', file('pin'));
  await ends(0, 'token', 'unlock', '--pin-file', node.file('trial-pin'));
  await ends(0, 'unseal');
  const shares = ['1', '2', '3'].map((i) => node.file('trial-shares', `share-${i}`));
  await ends(0, 'recovery', 'prove', ...shares);
  await ends(2, 'recovery', 'prove', ...shares.slice(1));
  await ends(3, 'shred', '--name', 'not its name');
  return [
    'administrator set success',
    'administrator set denied passphrase-wrong',
    'seal success',
    'token unlock failed token-unknown',
    'token unlock primary success pin-not-tried',
    'unseal success',
    'recovery prove success',
    'recovery prove denied shares-too-few',
    'shred denied shred-refused',
  ];
}

test('an act at the keeper’s console is in the audit, once and with no secret', async (t) => {
  t.timeout(300_000);
  const node = await startAppliance(t, { token: 'softhsm' });
  await until('the set-up is in it', async () =>
    (await acts(node)).includes('root create primary success'),
  );
  const before = (await acts(node)).length;
  const expected = await everyAct(t, node);
  const after = async (): Promise<string[]> => (await acts(node)).slice(before);
  await until('everything is in the audit', async () => (await after()).length >= expected.length);
  t.deepEqual(await after(), expected);
  // It is once in it after another start of both.
  node.signal('keeper', 'SIGKILL');
  node.signal('server', 'SIGKILL');
  await until('it serves', async () =>
    /^(SERVING|DEGRADED)/.test((await node.twinlock('status')).stdout),
  );
  t.deepEqual(await after(), expected);
  t.is((await node.twinlock('audit', 'verify')).code, 0);

  const written = [
    (await node.twinlock('audit', 'export')).stdout,
    ...['keeper', 'log'].flatMap((folder) =>
      readdirSync(node.file(folder)).map((name) =>
        readFileSync(join(node.file(folder), name), 'utf8'),
      ),
    ),
  ];
  t.true(existsSync(node.file('keeper', 'console-acts.json')));
  const pin = node.read('trial-pin').trim();
  for (const text of written) {
    for (const secret of [...Object.values(secrets), pin, 'not its name']) {
      t.false(text.includes(secret));
    }
  }
});
