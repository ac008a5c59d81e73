import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { nouns, plainCommands } from '../../appliance/cli/command/index.ts';
import { answerOf, answers } from '../harness/answer.ts';
import { command, startAppliance, temporaryFolder } from '../harness/appliance.ts';
import { until as held } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { freePort, startNode } from '../harness/pair.ts';
import { waitsOrEnds } from '../harness/pairing.ts';
import { wire } from '../harness/vcenter.ts';
import { VimServer } from '../harness/vim-server.ts';

/** A machine that has other work takes its time. */
const until = (what: string, holds: () => Promise<boolean>): Promise<void> =>
  held(what, holds, 180_000);

const all = [...plainCommands, ...nouns.flatMap(({ commands }) => commands)];
const names = new Set(all.map(({ name }) => name));

/** These need a disaster or a blank token, and are checked in the tests that make one. */
const elsewhere: Readonly<Record<string, string>> = {
  'database accept-loss': 'end-to-end/rollback.test.ts',
  'recovery restore': 'end-to-end/recovery-token.test.ts',
  'root create': 'end-to-end/first-key.test.ts',
  'token provision': 'end-to-end/recovery-token.test.ts',
  'token seal-pin': 'setup/pin-credential.test.ts',
  'token unlock': 'end-to-end/first-key.test.ts',
};

const played = new Set<string>(Object.keys(elsewhere));
const ends: (() => unknown)[] = [];
const here = { teardown: (end: () => unknown) => void ends.push(end) };
let a: RunningAppliance;
let folder: string;

test.before(async () => {
  folder = temporaryFolder();
  mkdirSync(join(folder, 'backups'));
  const port = await freePort();
  a = await startAppliance(here, {
    serverKey: 'p256',
    more: [
      ...['--peer', `127.0.0.1:${port}`, '--second-token', 'softhsm'],
      ...['--admin', '127.0.0.1:0'],
      ...['--backups', join(folder, 'backups')],
    ],
  });
});

test.after.always(async () => {
  for (const end of ends.reverse()) await end();
});

/** Plays one command with --json and gives what it printed, once that is what its schema says. */
async function play<T>(node: RunningAppliance, ...words: string[]): Promise<T> {
  const [noun = '', verb = ''] = words;
  const name = names.has(`${noun} ${verb}`) ? `${noun} ${verb}` : noun;
  const found = answerOf(name, await node.twinlock(...words, '--json'));
  played.add(name);
  return found as T;
}

const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

async function openssl(...words: string[]): Promise<void> {
  const { code, stderr } = await command('openssl', words);
  if (code !== 0) throw new Error(stderr);
}

test.serial('who is let in: administrators, certificates, clients, groups', async (t) => {
  t.timeout(600_000);
  const out = join(folder, 'anna');
  await play(a, 'administrator', 'add', '--name', 'anna', '--role', 'officer', '--out', out);
  const address = `127.0.0.1:${a.adminPort}`;
  const own = ['--name', 'berta', '--out', join(folder, 'berta')];
  const { sha256 } = (await play<{ fingerprints: { sha256: string } }>(a, 'status')).fingerprints;
  const shown = ['--fingerprint', sha256];
  await play(a, 'administrator', 'identity', address, ...own, ...shown);
  const { knocks } = await play<{ knocks: { fingerprint: string }[] }>(
    a,
    'administrator',
    'knocks',
  );
  const knock = ['--knock', knocks[0]?.fingerprint ?? ''];
  await play(a, 'administrator', 'add', '--name', 'berta', '--role', 'auditor', ...knock);
  await play(a, 'administrator', 'list');
  await play(a, 'administrator', 'block', 'anna');
  await play(a, 'administrator', 'allow', 'anna', '--role', 'auditor');
  const passphrase = file('passphrase', 'a passphrase for trying\n');
  await play(a, 'administrator', 'set', '--passphrase-file', passphrase);

  await play(a, 'certificate', 'show');
  await play(a, 'certificate', 'renew');
  await play(a, 'certificate', 'show');
  await play(a, 'certificate', 'activate');

  const [key, csr, ca] = ['key', 'csr', 'ca'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const request = ['-new', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=vc'];
  await openssl('req', ...request, '-keyout', key, '-out', csr);
  await openssl('req', '-x509', '-key', key, '-subj', '/CN=root', '-days', '9', '-out', ca);
  await play(a, 'client', 'add', '--name', 'made', '--out', join(folder, 'made'));
  await play(a, 'client', 'bundle', '--name', 'other', '--out', join(folder, 'other'));
  await play(a, 'client', 'add-authority', '--name', 'root', '--cert', ca);
  await play(a, 'client', 'sign-csr', '--csr', csr, '--name', 'vc');
  await play(a, 'client', 'block', 'vc');
  await play(a, 'client', 'allow', 'vc');
  await play(a, 'client', 'list');

  await play(a, 'group', 'make', 'storage');
  await play(a, 'group', 'list');
  await play(a, 'group', 'add-configurer', 'default', 'made');
  const { configurers } = await play<{ configurers: string[] }>(a, 'group', 'show', 'default');
  t.deepEqual(configurers, ['made']);
  await play(a, 'group', 'remove-configurer', 'default', 'made');
  await play(a, 'group', 'clear', 'default', 'constraints');
});

test.serial('keys, audit, backups and what helps support', async (t) => {
  t.timeout(600_000);
  const client = new KmipClient(a);
  const id = await client.create();
  await client.send(wire.activate(id));
  await client.send(wire.addAttribute(id, 'x-Component', 'Virtual Machine'));
  await client.send(wire.addAttribute(id, 'x-Name', 'a "machine", named so'));
  await client.get(id);
  client.end();
  await play(a, 'key', 'show', id);
  await play(a, 'key', 'list');
  await play(a, 'key', 'age', '--older-than', '0d');
  await play(a, 'key', 'destroy', id, '--yes', '--force');
  await play(a, 'key', 'purge');
  await play(a, 'key', 'show', id);
  await play(a, 'key', 'undestroy', id);
  await play(a, 'key', 'retention');
  await play(a, 'key', 'retention', '20d');
  await play(a, 'audit', 'verify');
  await play(a, 'audit', 'export');
  await play(a, 'audit', 'tail');
  const made = await play<{ file: string; keys: number }>(a, 'backup', 'create');
  t.is(made.keys, 1);
  await play(a, 'backup', 'verify', made.file);
  await play(a, 'backup', 'list');
  await play(a, 'restore', made.file);
  await play(a, 'support', 'list');
  await play(a, 'support', 'bundle', '--yes', '--out', join(folder, 'support.tar.gz'));
  await play(a, 'completion', 'bash');
});

test.serial('what vCenter is told and asked', async (t) => {
  t.timeout(600_000);
  const vcenter = await VimServer.open(folder);
  t.teardown(() => {
    vcenter.close();
  });
  const password = file('password', `${vcenter.password}\n`);
  const known = ['--thumbprint', vcenter.thumbprint, '--user', vcenter.user];
  const login = [vcenter.address, ...known, '--password-file', password];
  await play(a, 'vcenter', 'register', ...login, '--node', `${a.host}:${a.port}`);
  await play(a, 'vcenter', 'trust', ...login);
  await play(a, 'vcenter', 'key-use', ...login);
  await play(a, 'vcenter', 'lines', vcenter.address);
  t.is(vcenter.calls.at(-1), 'Logout');
});

test.serial('tokens, recovery, rotation and the seal', async (t) => {
  t.timeout(600_000);
  await play(a, 'status');
  await play(a, 'token', 'list');
  const shares = join(folder, 'shares');
  const numbers = ['--threshold', '2', '--shares', '3'];
  await play(a, 'recovery', 'create', ...numbers, '--out', shares);
  await play(a, 'recovery', 'prove', join(shares, 'share-1'), join(shares, 'share-3'));
  const created = await play<{ id: string }>(a, 'recovery', 'create', '--token', 'second');
  await play(a, 'recovery', 'prove', '--token', 'second');
  await play(a, 'recovery', 'show');
  await play(a, 'holders');
  await play(a, 'recovery', 'remove', created.id);
  await play(a, 'root', 'rotate');
  await play(a, 'wrapping-key', 'rotate');
  await play(a, 'seal');
  await play(a, 'status');
  await play(a, 'unseal');
  await until('it serves again', async () => {
    const { endpoint } = await play<{ endpoint?: string }>(a, 'status');
    return endpoint !== undefined;
  });
  t.pass();
});

test.serial(
  'a second node, a third one in its place, and what two nodes said at once',
  async (t) => {
    t.timeout(900_000);
    const b = await startNode(t, { fresh: true });
    await play(a, 'peer', 'status');
    await play(a, 'peer', 'policy');
    await play(a, 'peer', 'policy', 'alone-for', '72h');
    const invited = await play<Invited>(a, 'peer', 'invite', '--no-wait');
    const joined = await paired(a, b, invited);
    await until('it has what was made here', async () => {
      const { peers } = await play<{ peers: { state: string; lag: number }[] }>(
        a,
        'peer',
        'status',
      );
      return peers.every(({ state, lag }) => state === 'present' && lag === 0);
    });
    await conflicting(a, b, joined.endpoint);

    const replaced = await play<Invited>(a, 'peer', 'replace', joined.node, '--no-wait');
    const c = await startNode(t, { fresh: true });
    const again = await paired(a, c, replaced);
    await play(a, 'peer', 'remove', again.node);
    const { name } = await play<{ name: string }>(c, 'holders');
    await play(c, 'shred', '--name', name);

    const d = await startNode(t, { fresh: true });
    const toml = file('answers.toml', '[node]\nrole = "first"\n');
    await play(d, 'setup', '--from', toml, '--yes');
    t.pass();
  },
);

interface Invited {
  readonly code: string;
  readonly addresses: readonly string[];
}

/** Lets a new node in and gives what it said of itself. */
async function paired(
  a: RunningAppliance,
  b: RunningAppliance,
  { addresses, code }: Invited,
): Promise<{ readonly node: string; readonly endpoint: string }> {
  const joining = b.twinlock('peer', 'join', addresses[0] ?? '', code, '--yes', '--json');
  await waitsOrEnds(a, joining);
  await play(a, 'peer', 'confirm', '--yes');
  const joined = answerOf('peer join', await joining);
  played.add('peer join');
  return joined as { node: string; endpoint: string };
}

/** Has both nodes say something else of one attribute while neither hears the other. */
async function conflicting(
  a: RunningAppliance,
  b: RunningAppliance,
  endpoint: string,
): Promise<void> {
  const [host = '', port] = endpoint.split(':');
  const one = new KmipClient(a);
  const two = new KmipClient(a, 'client', { host, port: Number(port) });
  const id = await one.create();
  await two.insist(() => two.get(id));
  one.end();
  two.end();
  const say = async (client: KmipClient, what: string): Promise<void> => {
    await client.send(wire.addAttribute(id, 'Contact Information', what));
    client.end();
  };
  b.signal('server', 'SIGSTOP');
  // Before that it would still read what was sent to it meanwhile.
  await until('the other node counts as away', async () => {
    const { peers } = await play<{ peers: { state: string }[] }>(a, 'peer', 'status');
    return peers[0]?.state === 'away';
  });
  await say(one, 'here');
  a.signal('server', 'SIGSTOP');
  b.signal('server', 'SIGCONT');
  await say(two, 'there');
  a.signal('server', 'SIGCONT');
  let found: readonly { readonly id: string }[] = [];
  await until('both know what the other said', async () => {
    ({ conflicts: found } = await play<{ conflicts: typeof found }>(a, 'conflict', 'list'));
    return found.length > 0;
  });
  await play(a, 'conflict', 'acknowledge', found[0]?.id ?? '');
}

test.serial('every command of the table was played, here or where this says', (t) => {
  t.deepEqual([...played].sort(), [...names].sort());
  t.deepEqual(Object.keys(answers).sort(), [...names].sort());
  for (const [name, path] of Object.entries(elsewhere)) {
    const text = readFileSync(join(import.meta.dirname, '..', path), 'utf8');
    t.true(text.includes(`answerOf('${name}', `), `${path} does not check ${name}`);
  }
});

test('what no schema knows, and what is not JSON, is found', (t) => {
  const ended = (stdout: string): Parameters<typeof answerOf>[1] => ({
    ...{ code: 0, stdout, stderr: '' },
  });
  t.deepEqual(answerOf('seal', ended('{"sealed":true}')), { sealed: true });
  t.throws(() => answerOf('seal', ended('{"sealed":true,"more":1}')), { message: /prints more/ });
  t.throws(() => answerOf('seal', ended('{"sealed":false}')));
  t.throws(() => answerOf('seal', ended('sealed')));
  t.throws(() => answerOf('nothing', ended('{}')), { message: /nobody said/ });
});
