import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { hostAndPort } from './configuration.ts';
import { explain, Stop } from './exit.ts';
import { lockState } from './state-lock.ts';
import { TrialNode } from './trial-node.ts';
import type { TrialNodeOptions } from './trial-node.ts';
import { isTokenKind } from './trial-token.ts';
import { TrialPair } from './trial-pair.ts';

/** A whole appliance for trying, or a pair of them. */
interface Options extends TrialNodeOptions {
  readonly pair: boolean;
  /** Leaves the node as it comes: it is to join another one. */
  readonly isNew: boolean;
  /** Like a box that was never set up: waits until a person restores a backup. */
  readonly blank: boolean;
}

const commandLine = {
  state: { type: 'string', default: '.state' },
  listen: { type: 'string', default: '127.0.0.1:5696' },
  https: { type: 'string' },
  admin: { type: 'string' },
  clients: { type: 'string', default: '1' },
  token: { type: 'string', default: 'tpm' },
  'second-token': { type: 'string' },
  'token-removal': { type: 'string', default: 'serve' },
  module: { type: 'string' },
  'server-key': { type: 'string', default: 'rsa' },
  log: { type: 'string', default: 'info' },
  'new-token': { type: 'boolean', default: false },
  pair: { type: 'boolean', default: false },
  peer: { type: 'string' },
  'peer-address': { type: 'string' },
  journal: { type: 'string' },
  new: { type: 'boolean', default: false },
  blank: { type: 'boolean', default: false },
  backups: { type: 'string' },
} as const;

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: commandLine,
    });
    const clients = Number(values.clients);
    const { listen, token, 'server-key': serverKey, log, 'new-token': newToken } = values;
    const { pair, https, admin, new: isNew, blank, peer: peerListen } = values;
    if (pair && (isNew || peerListen !== undefined)) throw new Error('--pair makes both nodes');
    const backups = values.backups === undefined ? undefined : resolve(values.backups);
    if (blank && (pair || isNew || newToken)) throw new Error('--blank is for a lone new node');
    if (pair && newToken) throw new Error('--new-token is for a lone node');
    if (!Number.isInteger(clients) || clients < 1 || clients > 1000) {
      throw new Error('--clients takes a number from 1 to 1000');
    }
    const { 'second-token': second, 'token-removal': removal, module } = values;
    if (!isTokenKind(token)) throw new Error('--token takes tpm or softhsm');
    if (second !== undefined && !isTokenKind(second)) {
      throw new Error('--second-token takes tpm or softhsm');
    }
    if (removal !== 'serve' && removal !== 'seal') {
      throw new Error('--token-removal takes serve or seal');
    }
    if (serverKey !== 'rsa' && serverKey !== 'p256') {
      throw new Error('--server-key takes rsa or p256');
    }
    if (log !== 'info' && log !== 'debug') throw new Error('--log takes info or debug');
    const state = resolve(values.state);
    const { 'peer-address': address } = values;
    const name = basename(state);
    const peer = peerListen === undefined ? {} : { peer: { listen: peerListen, name, address } };
    const journal = values.journal === undefined ? undefined : resolve(values.journal);
    if (peerListen === undefined && (address !== undefined || journal !== undefined)) {
      throw new Error('--peer-address and --journal are for a node with --peer');
    }
    const made = blank ? 0 : clients;
    const tokens = { token, second, module, removal, newToken } as const;
    const common = {
      state,
      listen,
      https,
      admin,
      clients: made,
      pair,
      isNew,
      blank,
      backups,
      journal,
    };
    return { ...common, ...tokens, serverKey, log, ...peer };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : 'usage';
    const hint =
      'usage: run [--state DIR] [--listen ADDR:PORT] [--https ADDR:PORT] [--admin ADDR:PORT] ' +
      '[--clients N] ' +
      '[--token tpm|softhsm] [--second-token tpm|softhsm] [--token-removal serve|seal] ' +
      '[--module FILE] [--server-key rsa|p256] [--log info|debug] [--backups DIR] ' +
      '[--new-token | --blank | --pair | --peer ADDR:PORT [--new] ' +
      '[--peer-address ADDR:PORT] [--journal DIR]]';
    throw new Stop('usage', message, hint, { cause });
  }
}

/** What a person does next, once READY is said. */
function tryLine(state: string, endpoint: string): string {
  const script = join(import.meta.dirname, '..', '..', 'scripts', 'twinlock');
  const { port } = hostAndPort(endpoint);
  return `try: ${script} --state ${state} status   (KMIP clients: port ${port})`;
}

async function startLone(node: TrialNode, { state, isNew, blank }: Options): Promise<void> {
  if (isNew && (await node.startNew())) {
    const script = join(import.meta.dirname, '..', '..', 'scripts', 'twinlock');
    process.stdout.write(`NEW ${state}\ntry: ${script} --state ${state} peer join ADDRESS CODE\n`);
  }
  if (blank && (await node.startNew())) {
    const script = join(import.meta.dirname, '..', '..', 'scripts', 'twinlock');
    const command = `${script} --state ${state} restore BACKUP SHARE...`;
    process.stdout.write(`BLANK ${state}\nrestore: ${command}\n`);
  }
  const endpoint = isNew || blank ? await node.serving() : await node.start();
  process.stdout.write(`READY ${endpoint}\n${tryLine(state, endpoint)}\n`);
}

async function startPair(pair: TrialPair): Promise<void> {
  const [first, second] = await pair.start();
  const script = join(import.meta.dirname, '..', '..', 'scripts', 'twinlock');
  const { host } = hostAndPort(first.endpoint);
  const lines = [
    ...[first, second].map(({ endpoint }) => `READY ${endpoint}`),
    'in vCenter: Configure > Key Providers > Add > Standard Key Provider, with two servers:',
    ...[first, second].map(({ endpoint, state }) => {
      const { host, port } = hostAndPort(endpoint);
      return `  KMS  node ${state.split('/').at(-1) ?? ''}  address ${host}  port ${port}`;
    }),
    'then select it, Establish Trust > Make KMS trust vCenter > New Certificate Signing Request:',
    `  ${script} --state ${first.state} client sign-csr --name vcenter \\`,
    '    --csr vcenter.csr --out vcenter.pem',
    `  and upload vcenter.pem; the certificates to trust are those that status shows, on each node`,
    ...(host.startsWith('127.')
      ? ['  from another machine neither is reached: for that, --listen an address of this one']
      : []),
    `client files, good on both: ${join(first.state, 'client')}`,
    ...[first, second].map(({ endpoint, state }) => tryLine(state, endpoint)),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function main(): Promise<void> {
  const options = readOptions();
  const unlock = lockState(options.state);
  const trial = options.pair ? new TrialPair(options) : new TrialNode(options);
  const end = (): void => {
    void trial.stop().then(() => {
      unlock();
      process.exit(0);
    });
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  try {
    if (trial instanceof TrialPair) await startPair(trial);
    else await startLone(trial, options);
  } catch (error) {
    await trial.stop();
    unlock();
    throw error;
  }
}

main().catch((error: unknown) => {
  process.exit(explain(error));
});
