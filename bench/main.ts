import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  launch,
  removeFolder,
  RunningAppliance,
  temporaryFolder,
  until,
} from '../test/harness/appliance.ts';
import { find, readAnswer, request, wire } from '../test/harness/vcenter.ts';
import { abuses } from './abuse.ts';
import { makeCertificates } from './certificate.ts';
import { ask, exchanges, handshakes } from './load.ts';
import type { Round } from './load.ts';
import { startEcho, startPykmip, whyNoPykmip } from './peer.ts';
import { cutText } from './block.ts';
import { flushes, startMeasuredPair } from './pair.ts';
import type { MeasuredPair } from './pair.ts';
import { plot } from './plot.ts';
import type { Measured } from './plot.ts';
import { makeKeys, rotationRounds } from './rotation.ts';
import {
  bytesPerConnection,
  listing,
  locating,
  named,
  residentBytes,
  restart,
  spread,
} from './scale.ts';
import type { Filled } from './scale.ts';
import { median, table } from './table.ts';
import type { Target } from './target.ts';
import { discover, storm, visits } from './visit.ts';

/**
 * `npm run bench`: the appliance beside a bare Node TLS echo of the same sizes and PyKMIP's server,
 * in interleaved rounds of one run. What counts are the ratios; a machine's own figures do not.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    token: { type: 'string', default: 'tpm' },
    part: { type: 'string', default: 'servers,pair,rotation,keeper,abuse' },
    keys: { type: 'string', default: '20000' },
    hosts: { type: 'string', default: '2500' },
    many: { type: 'string', default: '1000000' },
    few: { type: 'string', default: '1000' },
    silent: { type: 'string', default: '2000' },
    out: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const folder = temporaryFolder();
const parts = values.part.split(',');
const targets: Target[] = [];
const all: Measured[] = [];

interface Own {
  readonly node: RunningAppliance;
  readonly target: Target;
}

async function startOwn(identity: { cert: string; key: string }, name = 'state'): Promise<Own> {
  const state = join(folder, name);
  const options = ['--state', state, '--token', values.token, '--listen', '127.0.0.1:0'];
  const started = launch(options);
  const first = await Promise.race([started.ready, started.ended]);
  if (typeof first !== 'string') throw new Error(first.stderr);
  const own = new RunningAppliance(state, first, started.child, started.ended);
  const certificate = join(folder, 'client.pem');
  const added = await own.twinlock('client', 'add', '--name', 'bench', '--cert', certificate);
  if (added.code !== 0) throw new Error(added.stderr);
  const target = {
    name: 'Twinlock',
    connect: { host: own.host, port: own.port, ...identity },
    processes: () => [...own.processes('server'), ...own.processes('keeper')],
    stop: async () => {
      await own.stop();
    },
  };
  return { node: own, target };
}

async function createOn(target: Target): Promise<{ get: Buffer; createSize: number }> {
  const answer = await ask(target, request([wire.create()]));
  const [result] = readAnswer(answer).results;
  const id = find(result?.payload ?? [], 0x420094)?.body.toString();
  if (id === undefined) throw new Error(`${target.name} created no key`);
  return { get: request([wire.get(id)]), createSize: answer.length };
}

async function interleaved(
  title: string,
  measure: (target: Target, index: number) => Promise<Round>,
): Promise<void> {
  await compared(
    title,
    targets.map((target, i) => [target.name, () => measure(target, i)] as const),
  );
}

/** Measures each in turn, round by round; what counts is the first one beside the others. */
async function compared(
  title: string,
  measures: readonly (readonly [name: string, measure: () => Promise<Round> | Round])[],
): Promise<void> {
  const results = measures.map(([name]) => ({ name, rounds: [] as Round[] }));
  for (let round = 0; round < rounds; round++) {
    for (const [i, [, measure]] of measures.entries()) {
      results[i]?.rounds.push(await measure());
    }
  }
  all.push({ title, results });
  process.stdout.write(`${table(title, results)}\n`);
}

/** What two durable copies cost, and what a node that catches up costs the readers. */
async function ofTwoNodes(
  pair: MeasuredPair,
  own: Target,
  { create, get }: { readonly create: Buffer; readonly get: Buffer },
): Promise<void> {
  for (const clients of [1, 8, 64]) {
    const load = { seconds, clients };
    await compared(`Create with two durable copies, ${clients} kept connections`, [
      ['two nodes', () => exchanges(pair.a, create, load)],
      ['one node', () => exchanges(own, create, load)],
      ['4 KiB written and flushed', () => flushes(folder, seconds)],
    ]);
  }
  const load = { seconds, clients: 8 };
  let left = 0;
  const behind = async (target: Target): Promise<Round> => {
    await pair.leaveBehind(seconds * 4);
    const round = await exchanges(target, get, load);
    const lag = await pair.lag();
    if (lag > 0) left++;
    await until('the other one has caught up', async () => (await pair.lag()) === 0, 300_000);
    return round;
  };
  await compared('Get while the second node catches up, 8 kept connections', [
    ['the second one, catching up', () => behind(pair.b)],
    ['the second one, quiet', () => exchanges(pair.b, get, load)],
    ['the first one, meanwhile', () => behind(pair.a)],
    ['the first one, quiet', () => exchanges(pair.a, get, load)],
  ]);
  process.stdout.write(`${left} of ${rounds * 2} rounds ended before it had caught up\n`);
  process.stdout.write(cutText(await pair.block(rounds)));
}

/** One node beside its ceilings and its rivals. */
async function ofServers(own: Target, identity: { cert: string; key: string }): Promise<void> {
  const create = request([wire.create()]);
  const ours = await createOn(own);
  const sizes = {
    [create.length]: ours.createSize,
    [ours.get.length]: (await ask(own, ours.get)).length,
    [discover.length]: (await ask(own, discover)).length,
  };
  targets.push(await startEcho(folder, identity, sizes));
  const gets = [ours.get, ours.get];
  const why = whyNoPykmip();
  if (why === undefined) {
    const pykmip = await startPykmip(folder, identity);
    targets.push(pykmip);
    gets.push((await createOn(pykmip)).get);
  } else {
    process.stdout.write(`PyKMIP's server is not measured: ${why}\n\n`);
  }
  const load = { seconds, clients: 8 };
  await interleaved('Get, 8 kept connections', (target, i) =>
    exchanges(target, gets[i] ?? create, load),
  );
  await interleaved('Get, 1 kept connection', (target, i) =>
    exchanges(target, gets[i] ?? create, { seconds, clients: 1 }),
  );
  await interleaved('Create, 8 kept connections', (target) => exchanges(target, create, load));
  await interleaved('Full TLS handshake, 4 at once', (target) =>
    handshakes(target, { seconds, clients: 4 }),
  );
  await interleaved('New connection, Discover Versions, Get, 4 at once', (target, i) =>
    visits(target, gets[i] ?? create, { seconds, clients: 4 }),
  );
  const hosts = Number(values.hosts);
  await interleaved(
    `Storm: ${hosts} hosts, a handshake and 16 Gets each, 64 at once`,
    (target, i) =>
      // PyKMIP's backlog of five takes no more than a few at once, and its time is its own.
      storm(
        target,
        gets[i] ?? create,
        i < 2
          ? { hosts, together: Math.min(64, hosts) }
          : { hosts: Math.max(4, Math.floor(hosts / 25)), together: 4 },
      ),
  );
}

/** Of the processor time of a Get, what the keeper's own process takes. */
async function ofKeeper({ node, target }: Own): Promise<void> {
  const { get } = await createOn(target);
  const load = { seconds, clients: 8 };
  const alone = (role: 'server' | 'keeper'): Target => ({
    ...target,
    processes: () => node.processes(role),
  });
  await compared('Get, 8 kept connections: whose time it is', [
    ['server and keeper', () => exchanges(target, get, load)],
    ['server alone', () => exchanges(alone('server'), get, load)],
    ['keeper alone', () => exchanges(alone('keeper'), get, load)],
  ]);
}

/** A known client's Gets beside each abuse. */
async function ofAbuse({ target }: Own): Promise<void> {
  const { get } = await createOn(target);
  const silent = Number(values.silent);
  await compared('Get of one known client', abuses(target, get, { seconds, folder, silent }));
}

/** Many keys beside few: two nodes, filled through KMIP, measured in turn. */
async function ofScale(few: Own, identity: { cert: string; key: string }): Promise<void> {
  const many = await startOwn(identity, 'state-many');
  try {
    const filled = async ({ node, target }: Own, count: number): Promise<Filled> => ({
      ...{ node, target },
      ids: await makeKeys(target, count),
    });
    const small = await filled(few, Number(values.few));
    const large = await filled(many, Number(values.many));
    const sides = [
      [`${values.many} keys`, large],
      [`${values.few} keys`, small],
    ] as const;
    const load = { seconds, clients: 8 };
    const each = async (
      title: string,
      measure: (side: Filled) => () => Promise<Round>,
    ): Promise<void> => {
      await compared(
        title,
        sides.map(([name, side]) => [name, measure(side)] as const),
      );
    };
    const located = new Map<Filled, Buffer[]>();
    for (const [, side] of sides) located.set(side, (await named(side, 200)).map(locating));
    await each('Get of any key, 8 kept connections', (side) => () => {
      const messages = side.ids.slice(0, 100_000).map((id) => request([wire.get(id)]));
      return spread(side.target, load, messages);
    });
    await each(
      'Locate by an x-attribute, 8 kept connections',
      (side) => () => spread(side.target, load, located.get(side) ?? []),
    );
    await each(
      'Create, 8 kept connections',
      (side) => () => exchanges(side.target, request([wire.create()]), load),
    );
    await each('A page of 100 of the key list', (side) => () => listing(side, seconds * 1000));
    await each('From the end of a server to its next Get', (side) => () => restart(side));
    for (const [name, side] of sides) {
      const mebibytes = (residentBytes(side.node) / (1 << 20)).toFixed(0);
      const kibibytes = ((await bytesPerConnection(side, 1_000)) / 1024).toFixed(0);
      process.stdout.write(`${name}: ${mebibytes} MiB, ${kibibytes} KiB for an idle connection\n`);
    }
  } finally {
    await many.target.stop();
  }
}

/** What re-wrapping every key costs those who fetch them meanwhile: at most the double is asked. */
async function ofRotation({ node, target }: Own): Promise<void> {
  const ids = await makeKeys(target, Number(values.keys));
  const came = await rotationRounds(node, target, { rounds, seconds, ids });
  const { meanwhile, quiet } = came;
  const title = `Get while ${ids.length} keys are sealed anew, 8 kept connections`;
  const servers = [
    { name: 'meanwhile', rounds: meanwhile },
    { name: 'quiet', rounds: quiet.slice(0, Math.max(1, meanwhile.length)) },
  ];
  process.stdout.write(`${table(title, servers)}\n`);
  const p99 = (of: readonly Round[]): number => median(of.map((round) => round.p99));
  const ratio = meanwhile.length === 0 ? 'not measured' : (p99(meanwhile) / p99(quiet)).toFixed(2);
  process.stdout.write(
    `Get p99 beside quiet: ${ratio}; no Get without its key; the rotation took ` +
      `${came.seconds.toFixed(0)} s; ${came.late} rounds came too late for it\n`,
  );
}

try {
  const identity = makeCertificates(folder);
  const started = await startOwn(identity);
  const own = started.target;
  targets.push(own);
  if (parts.includes('rotation')) await ofRotation(started);
  if (parts.includes('servers')) await ofServers(own, identity);
  if (parts.includes('keeper')) await ofKeeper(started);
  if (parts.includes('abuse')) await ofAbuse(started);
  if (parts.includes('scale')) await ofScale(started, identity);
  if (parts.includes('pair')) {
    const pair = await startMeasuredPair({
      ...{ identity, token: values.token, state: join(folder, 'pair') },
      certificate: join(folder, 'client.pem'),
    });
    try {
      const create = request([wire.create()]);
      await ofTwoNodes(pair, own, { create, get: (await createOn(pair.a)).get });
    } finally {
      await pair.stop();
    }
  }
  if (values.out !== undefined) {
    const text = all.map(({ title, results }) => table(title, results)).join('\n');
    writeFileSync(join(values.out, 'results.md'), text);
    writeFileSync(join(values.out, 'results.svg'), plot(all));
  }
} finally {
  for (const target of targets) await target.stop();
  removeFolder(folder);
}
