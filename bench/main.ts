import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  launch,
  removeFolder,
  RunningAppliance,
  temporaryFolder,
} from '../test/harness/appliance.ts';
import { find, readAnswer, request, wire } from '../test/harness/vcenter.ts';
import { makeCertificates } from './certificate.ts';
import { ask, exchanges, handshakes } from './load.ts';
import type { Round } from './load.ts';
import { startEcho, startPykmip, whyNoPykmip } from './peer.ts';
import { table } from './table.ts';
import type { Target } from './target.ts';

/**
 * `npm run bench`: the appliance beside a bare Node TLS echo of the same sizes and PyKMIP's server,
 * in interleaved rounds of one run. What counts are the ratios; a machine's own figures do not.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    token: { type: 'string', default: 'tpm' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const folder = temporaryFolder();
const targets: Target[] = [];

async function startOwn(identity: { cert: string; key: string }): Promise<Target> {
  const state = join(folder, 'state');
  const options = ['--state', state, '--token', values.token, '--listen', '127.0.0.1:0'];
  const started = launch(options);
  const first = await Promise.race([started.ready, started.ended]);
  if (typeof first !== 'string') throw new Error(first.stderr);
  const own = new RunningAppliance(state, first, started.child, started.ended);
  const certificate = join(folder, 'client.pem');
  const added = await own.twinlock('client', 'add', '--name', 'bench', '--cert', certificate);
  if (added.code !== 0) throw new Error(added.stderr);
  return {
    name: 'Twinlock',
    connect: { host: own.host, port: own.port, ...identity },
    processes: () => [...own.processes('server'), ...own.processes('keeper')],
    stop: async () => {
      await own.stop();
    },
  };
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
  const results = targets.map(({ name }) => ({ name, rounds: [] as Round[] }));
  for (let round = 0; round < rounds; round++) {
    for (const [i, target] of targets.entries()) {
      results[i]?.rounds.push(await measure(target, i));
    }
  }
  process.stdout.write(`${table(title, results)}\n`);
}

try {
  const identity = makeCertificates(folder);
  const own = await startOwn(identity);
  targets.push(own);
  const create = request([wire.create()]);
  const ours = await createOn(own);
  const sizes = {
    [create.length]: ours.createSize,
    [ours.get.length]: (await ask(own, ours.get)).length,
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
} finally {
  for (const target of targets) await target.stop();
  removeFolder(folder);
}
