import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:tls';
import test from 'ava';
import { routesOf } from '../../appliance/admin/route/index.ts';
import { mayDo, roles } from '../../appliance/admin/route.ts';
import type { Role, Route } from '../../appliance/admin/route.ts';
import { remoteTransport } from '../../appliance/admin/transport.ts';
import type { RemoteNode } from '../../appliance/admin/transport.ts';
import { command, startAppliance, until } from '../harness/appliance.ts';
import type { Ended, RunningAppliance } from '../harness/appliance.ts';

const twinlock = new URL('../../scripts/twinlock', import.meta.url).pathname;
const twoLines = /^error: .+\nhint: .+\n$/;

/** The routes alone: none of them is asked here. */
const routes = routesOf({} as Parameters<typeof routesOf>[0]);

interface Entry {
  readonly actor: string;
  readonly act: string;
  readonly object?: string;
  readonly outcome: string;
  readonly reason?: string;
}

const ends: (() => unknown)[] = [];
const here = { teardown: (end: () => unknown) => void ends.push(end) };
let appliance: RunningAppliance;

/** An appliance that serves administrators, with one of each role; for all tests, one by one. */
test.before(async () => {
  appliance = await startAppliance(here, { more: ['--admin', '127.0.0.1:0'], serverKey: 'p256' });
  for (const role of roles) await added(appliance, role, role);
});

test.after.always(async () => {
  for (const end of ends.reverse()) await end();
});

async function added(appliance: RunningAppliance, name: string, role: string): Promise<void> {
  const out = ['--out', appliance.file('identity', name)];
  const ended = await appliance.twinlock(
    'administrator',
    'add',
    '--name',
    name,
    '--role',
    role,
    ...out,
  );
  if (ended.code !== 0) throw new Error(ended.stderr);
}

function nodeFor(appliance: RunningAppliance, name: string): RemoteNode {
  const file = (part: string): string => appliance.read('identity', name, `${part}.pem`);
  return {
    host: '127.0.0.1',
    port: appliance.adminPort,
    certificate: file('cert'),
    key: file('key'),
    trusted: file('ca'),
  };
}

/** Runs the command line from elsewhere: it knows the address and an identity, no socket. */
function from(appliance: RunningAppliance, name: string, ...words: string[]): Promise<Ended> {
  const node = ['--node', `127.0.0.1:${appliance.adminPort}`];
  return command(twinlock, [...node, '--identity', appliance.file('identity', name), ...words]);
}

async function asked(
  node: RemoteNode,
  { method, path, takesBytes }: Pick<Route, 'method' | 'path' | 'takesBytes'>,
): Promise<{ status: number; text: string }> {
  const answer = Promise.withResolvers<IncomingMessage>();
  const type = takesBytes === true ? 'application/octet-stream' : 'application/json';
  const options = { method, path: path.replace(/:\w+/, 'x'), headers: { 'content-type': type } };
  const request = await remoteTransport(node).begin(options, answer.resolve);
  request.on('error', answer.reject);
  request.end(method === 'GET' || takesBytes === true ? undefined : '{}');
  const message = await answer.promise;
  let text = '';
  for await (const chunk of message) text += (chunk as Buffer).toString('latin1');
  return { status: message.statusCode ?? 0, text };
}

async function audit(appliance: RunningAppliance): Promise<Entry[]> {
  const { stdout } = await appliance.twinlock('audit', 'tail', '--json', '--lines', '500');
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry);
}

test.serial('over HTTPS each role may what its routes say, and not a route more', async (t) => {
  t.timeout(120_000);
  t.true(routes.length >= 30);
  for (const role of roles) {
    const node = nodeFor(appliance, role);
    for (const route of routes) {
      const { status, text } = await asked(node, route);
      const allowed = mayDo(role, route.role) && route.localOnly !== true;
      const what = `${role}: ${route.method} ${route.path} gave ${status} ${text.slice(0, 200)}`;
      if (allowed) t.not(status, 403, what);
      else t.is(status, 403, what);
    }
  }
  const denied = (role: Role): number =>
    routes.filter((route) => !mayDo(role, route.role) || route.localOnly === true).length;
  await until('all denials are in the audit', async () => {
    const entries = await audit(appliance);
    return roles.every((role) => {
      const ofRole = ({ actor, outcome }: Entry): boolean =>
        actor === `admin:${role}` && outcome === 'denied';
      return entries.filter(ofRole).length === denied(role);
    });
  });
});

test.serial('without a role nobody is answered, and the audit says who knocked', async (t) => {
  const known = nodeFor(appliance, 'officer');
  const client = {
    key: appliance.read('client', 'key.pem'),
    certificate: appliance.read('client', 'cert.pem'),
  };
  await t.throwsAsync(asked({ ...known, ...client }, { method: 'GET', path: '/v1/status' }));
  // Whoever shows none, or speaks an older TLS, does not even hear of HTTP.
  for (const options of [{}, { maxVersion: 'TLSv1.2' as const, ...pair(known) }]) {
    const heard = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect({
        port: known.port,
        host: known.host,
        rejectUnauthorized: false,
        ...options,
      });
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.once('close', () => {
        resolve(text);
      });
      socket.write('GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n');
    });
    t.is(heard, '');
  }
  const knocked = async (): Promise<Entry[]> =>
    (await audit(appliance)).filter(({ act }) => act === 'admin connection');
  await until('both are in the audit', async () => (await knocked()).length >= 2);
  const actors = (await knocked()).map(({ actor, outcome }) => `${actor} ${outcome}`);
  t.true(actors.includes('admin:no certificate denied'));
  t.true(actors.some((each) => /^admin:[\da-f]{64} denied$/.test(each)));
});

function pair({ key, certificate }: RemoteNode): { key: string; cert: string } {
  return { key, cert: certificate };
}

test.serial(
  'a blocked administrator is out at once, an allowed one has the role given last',
  async (t) => {
    const officer = nodeFor(appliance, 'officer');
    // A connection that was let in and waits.
    const { port, host } = officer;
    const socket = connect({ port, host, ...pair(officer), rejectUnauthorized: false });
    const cut = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    socket.write('GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));

    t.is((await from(appliance, 'officer', 'client', 'block', 'client')).code, 0);
    t.is((await appliance.twinlock('administrator', 'block', 'officer')).code, 0);
    await cut;
    const out = await from(appliance, 'officer', 'status');
    t.is(out.code, 5, out.stderr);
    t.regex(out.stderr, twoLines);
    t.is(
      (await appliance.twinlock('administrator', 'allow', 'officer', '--role', 'auditor')).code,
      0,
    );
    t.is((await from(appliance, 'officer', 'status')).code, 0);
    const lesser = await from(appliance, 'officer', 'client', 'allow', 'client');
    t.is(lesser.code, 3);
    t.regex(lesser.stderr, twoLines);
    await until('the audit says who did what', async () => {
      const entries = await audit(appliance);
      const said = (actor: string, act: string, outcome: string): boolean =>
        entries.some((e) => e.actor === actor && e.act === act && e.outcome === outcome);
      return (
        said('admin:officer', 'client block', 'success') &&
        said('admin:officer', 'POST /v1/clients/:id/allow', 'denied') &&
        said('admin:local', 'administrator block', 'success') &&
        said('admin:local', 'administrator add', 'success')
      );
    });
  },
);

test.serial(
  'from elsewhere the node is known by its certificate, and no secret goes over',
  async (t) => {
    const status = await from(appliance, 'auditor', 'status', '--json');
    t.is(status.code, 0, status.stderr);
    t.is((JSON.parse(status.stdout) as { state: string }).state, 'SERVING');

    const fails = async (code: number, ended: Promise<Ended>): Promise<string> => {
      const { code: found, stderr, stdout } = await ended;
      t.is(found, code, stderr);
      t.regex(stderr, twoLines);
      t.is(stdout, '');
      return stderr;
    };
    // Another node behind the address: nothing is asked of it.
    const stranger = await startAppliance(t, {
      more: ['--admin', '127.0.0.1:0'],
      serverKey: 'p256',
    });
    await fails(
      3,
      command(twinlock, [
        ...['--node', `127.0.0.1:${stranger.adminPort}`],
        ...['--identity', appliance.file('identity', 'auditor'), 'status'],
      ]),
    );
    for (const words of [
      ['token', 'list'],
      ['recovery', 'create'],
      ['peer', 'invite'],
      ['client', 'add', '--name', 'n', '--out', appliance.file('new')],
      ['administrator', 'add', '--name', 'n', '--role', 'auditor', '--out', appliance.file('new2')],
    ]) {
      const said = await fails(3, from(appliance, 'officer', ...words));
      t.false(said.includes('PRIVATE KEY'), words.join(' '));
    }
    const { port } = nodeFor(appliance, 'officer');
    await fails(2, command(twinlock, ['--node', `127.0.0.1:${port}`, 'status']));
    await fails(2, command(twinlock, ['--node', 'no address', 'status']));
    await fails(
      2,
      command(twinlock, ['--node', '127.0.0.1:1', '--identity', '/nowhere', 'status']),
    );
    const nobody = ['--node', '127.0.0.1:1', '--identity', appliance.file('identity', 'officer')];
    await fails(5, command(twinlock, [...nobody, 'status']));
  },
);

test.serial('the administrators of a file that is not right are refused in words', async (t) => {
  const fails = async (code: number, ...words: string[]): Promise<void> => {
    const ended = await appliance.twinlock('administrator', ...words);
    t.is(ended.code, code, `${words.join(' ')}: ${ended.stderr}`);
    t.regex(ended.stderr, twoLines);
  };
  const cert = appliance.file('identity', 'auditor', 'cert.pem');
  await fails(3, 'add', '--name', 'again', '--role', 'officer', '--cert', cert);
  await fails(2, 'add', '--name', 'x', '--role', 'king', '--out', appliance.file('x'));
  await fails(2, 'add', '--name', 'x', '--role', 'auditor');
  await fails(3, 'add', '--name', 'auditor', '--role', 'auditor', '--out', appliance.file('y'));
  await fails(
    2,
    'add',
    '--name',
    'x',
    '--role',
    'auditor',
    '--cert',
    appliance.file('twinlock.toml'),
  );
  await fails(6, 'block', 'nobody');
  await fails(6, 'allow', 'nobody');
  const listed = await appliance.twinlock('administrator', 'list', '--json');
  const { administrators } = JSON.parse(listed.stdout) as { administrators: { name: string }[] };
  t.deepEqual(administrators.map(({ name }) => name).sort(), [...roles].sort());
  t.false(readFileSync(cert, 'utf8').includes('PRIVATE'));
});
