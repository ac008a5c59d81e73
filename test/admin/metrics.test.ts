import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { MetricsServer } from '../../appliance/admin/metrics-server.ts';
import type { StatusView } from '../../appliance/admin/schema.ts';
import { command } from '../harness/appliance.ts';

const documents = join(import.meta.dirname, '..', '..', 'docs', 'monitoring');

const serving: StatusView = {
  state: 'SERVING',
  version: '1.2.3',
  node: '0a'.repeat(16),
  rootKey: { state: 'ready', provenSeconds: 3 },
  wrappingKey: {},
  recovery: null,
  keys: 17,
  records: 40,
  singleCopies: 3,
  clients: 2,
  connections: 1,
  warnings: ['one'],
};

async function setting(t: { teardown: (act: () => void) => void }): Promise<{
  status: StatusView;
  broken: boolean;
  get: (path: string) => Promise<{ code: number; text: string }>;
}> {
  const world = { status: serving, broken: false };
  const server = new MetricsServer({
    status: () => Promise.resolve(world.status),
    acts: () => [{ actor: 'client', act: 'Get', outcome: 'success', count: 5 }],
    audit: () => ({
      newest: 99,
      receivers: [{ target: 'logs:6514', connected: false, behind: 12 }],
    }),
    check: () => {
      if (world.broken) throw new Error('gone');
    },
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => {
    server.close();
  });
  return Object.assign(world, {
    get: async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      return { code: answer.status, text: await answer.text() };
    },
  });
}

/** Gives text to promtool's standard input. */
function promtool(parameters: readonly string[], input: string): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile('promtool', parameters, (error, stdout, stderr) => {
      resolve(error === null ? '' : `${error.message}\n${stdout}${stderr}`);
    });
    child.stdin?.end(input);
  });
}

test('metrics say what status says, and promtool finds nothing to mend', async (t) => {
  const { get } = await setting(t);
  const { code, text } = await get('/metrics');
  t.is(code, 200);
  t.is(await promtool(['check', 'metrics'], text), '');
  for (const line of [
    'twinlock_state{state="SERVING"} 1',
    'twinlock_state{state="SEALED"} 0',
    'twinlock_keys 17',
    'twinlock_single_copies 3',
    'twinlock_root_key_proof_age_seconds 3',
    'twinlock_acts_total{actor="client",act="Get",outcome="success"} 5',
    'twinlock_syslog_behind{target="logs:6514"} 12',
    'twinlock_audit_newest 99',
  ]) {
    t.true(text.split('\n').includes(line), line);
  }
});

test('every metric that the rules and the dashboard name exists', async (t) => {
  const { get } = await setting(t);
  const { text } = await get('/metrics');
  for (const file of ['alerts.yml', 'grafana.json']) {
    const named = new Set(readFileSync(join(documents, file), 'utf8').match(/twinlock_\w+/g));
    t.true(named.size > 3);
    for (const name of named) t.true(text.includes(`\n# TYPE ${name} `), `${file}: ${name}`);
  }
});

test('the alert rules fire when they should', async (t) => {
  const checked = await command('promtool', ['check', 'rules', join(documents, 'alerts.yml')]);
  t.is(checked.code, 0, checked.stderr);
  const tested = await command('promtool', ['test', 'rules', join(documents, 'alerts.test.yml')]);
  t.is(tested.code, 0, tested.stdout + tested.stderr);
});

test('ready is who serves with a root key that proved itself within the minute', async (t) => {
  const world = await setting(t);
  t.deepEqual(await world.get('/readyz'), { code: 200, text: 'ok\n' });
  world.status = { ...serving, rootKey: { state: 'ready', provenSeconds: 61 } };
  t.deepEqual(await world.get('/readyz'), { code: 503, text: 'the root key is not proven\n' });
  t.is((await world.get('/healthz')).code, 200);
  world.status = { ...serving, state: 'SEALED' };
  t.deepEqual(await world.get('/readyz'), { code: 503, text: 'sealed\n' });
  world.broken = true;
  t.is((await world.get('/healthz')).code, 503);
  t.is((await world.get('/elsewhere')).code, 404);
});
