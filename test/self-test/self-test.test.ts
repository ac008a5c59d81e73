import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { selfTest, selfTests } from '../../appliance/self-test/self-test.ts';
import type { Tested } from '../../appliance/self-test/self-test.ts';
import { launch, startAppliance } from '../harness/appliance.ts';
import type { Ended } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { faults } from './broken-crypto.ts';

const loader = `--import=${join(import.meta.dirname, 'broken-crypto.ts')}`;
const services = join(import.meta.dirname, '..', '..', 'appliance', 'service');
const roles = ['server', 'keeper', 'token'] as const;

/** Who has to notice; whatever is not named here, only the server does. */
const noticedBy: Readonly<Record<string, readonly Tested[]>> = {
  'a hash of 256 bits that is wrong': ['server', 'keeper'],
  'a hash of 512 bits that is wrong': ['server', 'keeper'],
  'an HMAC that is wrong': ['server', 'keeper'],
  'a derived key that is wrong': ['server', 'keeper'],
  'AES-GCM that encrypts wrongly': ['server', 'keeper'],
  'AES-GCM that looks at no tag': ['server', 'keeper'],
  'OAEP that encrypts wrongly': roles,
  'OAEP that does not encrypt': roles,
  'OAEP that decrypts wrongly': roles,
  'random bytes that are all the same': roles,
  'random bytes that come again': roles,
  'random bytes that lean to one side': roles,
};

const environment = (fault: string): NodeJS.ProcessEnv => ({
  ...process.env,
  ...{ NODE_OPTIONS: loader, BROKEN_CRYPTO: fault },
});

test('what OpenSSL computes here is what the standards say', (t) => {
  for (const role of roles) {
    t.notThrows(() => {
      selfTest(role);
    }, role);
    t.true(selfTests[role].includes('random generator'));
  }
});

test('a process whose cryptography is broken refuses to serve, in two lines', async (t) => {
  t.timeout(240_000);
  const first = await startAppliance(t);
  const client = new KmipClient(first);
  const id = await client.create();
  const key = await client.get(id);
  client.end();
  await first.stop();
  const configuration = ['--configuration', first.file('twinlock.toml')];
  const refused = (role: Tested, fault: string): Promise<Ended> =>
    launch(configuration, {
      file: join(services, `${role}.ts`),
      environment: environment(fault),
    }).ended;
  for (const fault of Object.keys(faults)) {
    const noticing = noticedBy[fault] ?? (['server'] as const);
    const ended = await Promise.all(noticing.map((role) => refused(role, fault)));
    for (const [i, { code, stdout, stderr }] of ended.entries()) {
      const what = `${noticing[i] ?? ''}: ${fault}: ${stderr}`;
      t.is(code, 24, what);
      t.regex(stderr, /^error: self-test failed: [^\n]+\nhint: [^\n]+\n$/, what);
      t.is(stdout, '', what);
    }
  }
  // Nothing was touched, and nobody ever listened.
  t.false(readdirSync(first.state).includes('run'));

  const whole = ['--state', first.state, '--token', 'softhsm', '--listen', '127.0.0.1:0'];
  const trial = await launch(whole, { environment: environment('an HMAC that is wrong') }).ended;
  t.is(trial.code, 24);
  t.regex(trial.stderr, /^error: self-test failed: HMAC-SHA256\nhint: .+\n$/);

  const again = await startAppliance(t, { state: first.state });
  t.is(await new KmipClient(again).get(id), key);
});
