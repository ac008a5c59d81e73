import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { command, startAppliance, until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Everything of a trial that nobody may see, in the forms in which it could be written down. */
function secretsOf(appliance: RunningAppliance, keys: readonly string[]): Map<string, Buffer> {
  const secrets = new Map<string, Buffer>();
  const put = (name: string, bytes: Buffer): void => {
    secrets.set(name, bytes);
    secrets.set(`${name} in hexadecimal`, Buffer.from(bytes.toString('hex')));
    secrets.set(`${name} in base64`, Buffer.from(bytes.toString('base64').replace(/=+$/, '')));
  };
  for (const [i, key] of keys.entries()) put(`key ${i}`, Buffer.from(key, 'hex'));
  for (const path of filesBelow(appliance.state)) {
    const name = path.slice(appliance.state.length);
    const text = readFileSync(path);
    if (/key\.pem$/.test(path)) {
      const [line = ''] = text.toString().split('\n').slice(5);
      put(name, Buffer.from(line));
    }
    // PINs and the shares' words; the shares' sheets hold more than words.
    if (/trial-pin/.test(name)) put(name, Buffer.from(text.toString().trim()));
    if (/trial-shares/.test(name)) {
      for (const line of text.toString().split('\n')) {
        if (line.trim().length >= 24) put(`${name}: ${line.slice(0, 8)}`, Buffer.from(line.trim()));
      }
    }
    if (/sealed$/.test(path)) put(name, text.subarray(-32));
  }
  return secrets;
}

test('support bundle holds what it lists, and no secret of the trial', async (t) => {
  t.timeout(180_000);
  const appliance = await startAppliance(t, { serverKey: 'p256' });
  const client = new KmipClient(appliance);
  const keys: string[] = [];
  for (let i = 0; i < 3; i++) keys.push(await client.get(await client.create()));
  client.end();
  const audit = async (): Promise<string> => (await appliance.twinlock('audit', 'export')).stdout;
  await until('the fetches are in the audit', async () => (await audit()).includes('"Get"'));

  const listed = await appliance.twinlock('support', 'list', '--json');
  const { parts } = JSON.parse(listed.stdout) as { parts: { name: string }[] };
  const out = appliance.file('support.tar.gz');
  const made = await appliance.twinlock('support', 'bundle', '--out', out, '--yes', '--json');
  t.is(made.code, 0, made.stderr);
  const said = JSON.parse(made.stdout.trim().split('\n').at(-1) ?? '') as {
    parts: { name: string; failed?: string }[];
  };
  t.deepEqual(
    said.parts.filter(({ failed }) => failed !== undefined),
    [],
  );
  t.is(statSync(out).mode & 0o777, 0o600);

  const folder = appliance.file('unpacked');
  mkdirSync(folder);
  const unpacked = await command('tar', ['-xzf', out, '-C', folder]);
  t.is(unpacked.code, 0, unpacked.stderr);
  const files = filesBelow(folder);
  const names = files.map((path) => path.split('/').at(-1) ?? '');
  t.deepEqual(names.sort(), parts.map(({ name }) => name).sort());
  const read = (name: string): string =>
    readFileSync(join(folder, 'twinlock-support', name), 'utf8');
  t.is((JSON.parse(read('status.json')) as { state: string }).state, 'SERVING');
  t.regex(read('server.log'), /"msg":"serving on /);
  t.regex(read('audit.jsonl'), /"act":"Get"/);
  t.regex(read('configuration.json'), /"server.listen"/);
  t.false(read('configuration.json').includes('pin_file'));

  const secrets = secretsOf(appliance, keys);
  t.true(secrets.size > 20, `${secrets.size} secrets are looked for`);
  for (const path of files) {
    const content = readFileSync(path);
    const found = [...secrets].filter(([, bytes]) => content.includes(bytes));
    t.deepEqual(
      found.map(([name]) => name),
      [],
      path,
    );
    t.false(content.includes('PRIVATE KEY'), path);
  }
  // The search itself finds what it looks for.
  const everything = Buffer.concat(filesBelow(appliance.state).map((path) => readFileSync(path)));
  t.true([...secrets].some(([, bytes]) => everything.includes(bytes)));

  const fails = async (code: number, ...words: string[]): Promise<void> => {
    const ended = await appliance.twinlock('support', ...words);
    t.is(ended.code, code, ended.stderr);
    t.regex(ended.stderr, /^error: .+\nhint: .+\n$/);
  };
  await fails(3, 'bundle', '--out', out, '--yes');
  await fails(3, 'bundle', '--out', appliance.file('other'));
  await fails(2, 'list', 'more');
});
