import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { KeyKeeper } from '../../appliance/keeper/keeper.ts';
import { PinSource } from '../../appliance/keeper/pin.ts';
import type { SoftwareToken } from '../../appliance/service/software-token/software-token.ts';
import { softwareTpm } from '../../appliance/service/software-token/tpm.ts';
import { until } from '../harness/appliance.ts';
import { TokenProcess } from '../token/token-process.ts';

/** A TPM counts every stop without a shutdown as a wrong PIN, and locks (TPM 2.0 Part 1, 19.8). */
const pin = Buffer.from('a PIN that nobody knows');
const context = Buffer.from('context');
const secret = Buffer.from('a secret of some length');

interface Box {
  readonly process: TokenProcess;
  readonly said: string[];
  /** A keeper as after a start, with its PIN at hand. */
  keeper(name?: string): KeyKeeper;
  /** Power off and on: TPM and token process end at once, without a shutdown. */
  cutPower(): Promise<void>;
  /** What the TPM says of one of its properties. */
  property(name: string): number;
  tool(program: string, ...parameters: string[]): void;
}

async function box(t: ExecutionContext): Promise<Box> {
  let tpm: SoftwareToken | undefined;
  const start = async (folder: string, port?: number): Promise<SoftwareToken> =>
    (tpm = await softwareTpm(join(folder, 'tpm'), join(folder, 'store'), port));
  const process = await TokenProcess.start({ token: (folder) => start(folder) });
  t.teardown(async () => {
    await process.stop();
    await tpm?.stop();
  });
  await process.answering();
  const folder = process.folder;
  writeFileSync(join(folder, 'pin'), pin);
  const said: string[] = [];
  const tcti = tpm?.environment['TPM2_PKCS11_TCTI'] ?? '';
  const run = (program: string, parameters: readonly string[]): string =>
    execFileSync(program, ['-T', tcti, ...parameters], { encoding: 'utf8', stdio: 'pipe' });
  return {
    process,
    said,
    keeper(name = 'keeper') {
      mkdirSync(join(folder, name), { recursive: true });
      const own = join(folder, name);
      const source = new PinSource(join(folder, 'pin'), own, true);
      const token = { name: 'primary', label: process.label, token: process.token, pin: source };
      const log = (_: string, message: string, fields: object = {}): void => {
        said.push(`${message} ${JSON.stringify(fields)}`);
      };
      return new KeyKeeper({ folder: own, tokens: [token], now: () => 1_700_000_000, log });
    },
    async cutPower() {
      if (tpm?.pid === undefined) throw new Error('no TPM');
      global.process.kill(tpm.pid, 'SIGKILL');
      await tpm.ended;
      await start(folder, tpm.port);
      await process.replaced();
      await process.answering();
    },
    property(name) {
      const text = run('tpm2_getcap', ['properties-variable']);
      const value = new RegExp(`^ *${name}: +(\\S+)$`, 'm').exec(text)?.[1];
      return Number(value);
    },
    tool: (program, ...parameters) => void run(program, parameters),
  };
}

async function opened(keeper: KeyKeeper): Promise<KeyKeeper> {
  await until('the keeper is open', async () => {
    await keeper.advance();
    return keeper.status().state === 'open';
  });
  return keeper;
}

async function withKeys(at: Box): Promise<{ keeper: KeyKeeper; sealed: Buffer }> {
  const keeper = at.keeper();
  await keeper.provision(Buffer.alloc(0));
  await keeper.initialise('root');
  return { keeper, sealed: keeper.seal(context, secret) };
}

test('forty power cuts in a row do not lock a TPM out', async (t) => {
  t.timeout(600_000);
  const at = await box(t);
  const { sealed } = await withKeys(at);
  t.is(at.property('TPM2_PT_MAX_AUTH_FAIL'), 32);
  t.is(at.property('TPM2_PT_LOCKOUT_INTERVAL'), 600);
  t.is(at.property('TPM2_PT_LOCKOUT_RECOVERY'), 86_400);
  t.is(at.property('lockoutAuthSet'), 1);
  for (let cut = 1; cut <= 40; cut++) {
    await at.cutPower();
    t.is(at.property('TPM2_PT_LOCKOUT_COUNTER'), 1, 'a cut counts as a wrong PIN');
    const keeper = await opened(at.keeper());
    t.deepEqual(keeper.open(context, sealed), secret);
    t.is(at.property('TPM2_PT_LOCKOUT_COUNTER'), 0, 'and is forgotten');
  }
});

test('a lockoutAuth that another set is tried once, and stops nothing', async (t) => {
  t.timeout(300_000);
  const at = await box(t);
  await at.keeper().provision(Buffer.alloc(0));
  at.tool('tpm2_changeauth', '-c', 'lockout', 'another');
  const keeper = at.keeper();
  await keeper.initialise('root');
  const sealed = keeper.seal(context, secret);
  const refusals = (): number => at.said.filter((line) => line.includes('this lockoutAuth')).length;
  // It is not needed before there is something to forget.
  t.is(refusals(), 0);
  for (let cut = 1; cut <= 3; cut++) {
    await at.cutPower();
    t.deepEqual((await opened(at.keeper())).open(context, sealed), secret);
  }
  t.is(refusals(), 1);
  t.is(at.said.filter((line) => line.includes('has another’s lockoutAuth')).length, 2);
});

test('shred clears the TPM: an old copy of disk and store opens nothing', async (t) => {
  t.timeout(300_000);
  const states = [
    'open',
    'sealed by order',
    'the token process hangs',
    'the order was written, and no more',
  ];
  for (const state of states) {
    const at = await box(t);
    const { keeper } = await withKeys(at);
    const copy = join(at.process.folder, 'copy');
    execFileSync('cp', ['-a', join(at.process.folder, 'keeper'), join(at.process.folder, 'old')]);
    execFileSync('cp', ['-a', join(at.process.folder, 'store'), copy]);
    // The copy is good before.
    t.is((await opened(at.keeper('old'))).status().state, 'open');
    if (state === 'sealed by order') keeper.shut();
    const { name } = keeper.holders();
    if (state === 'the token process hangs') {
      at.process.kill('SIGSTOP');
      const shredding = keeper.shred(name);
      await at.process.replaced();
      t.deepEqual((await shredding).cleared, undefined);
      await at.process.answering();
      await keeper.advance();
    } else if (state === 'the order was written, and no more') {
      const { roots } = keeper.holders();
      const order = { given: 1, holders: keeper.holders(), left: roots };
      writeFileSync(join(at.process.folder, 'keeper', 'shredded'), JSON.stringify(order));
    } else {
      t.deepEqual((await keeper.shred(name)).cleared, ['primary'], state);
    }
    await until('it is cleared', async () => {
      const next = at.keeper();
      await next.advance();
      return at.property('lockoutAuthSet') === 0 && next.status().shredded?.left === 0;
    });
    execFileSync('cp', ['-a', `${copy}/.`, join(at.process.folder, 'store')]);
    await at.process.replaced();
    const thief = at.keeper('old');
    await at.process.answering();
    for (let tries = 0; tries < 3; tries++) await thief.advance();
    t.is(thief.status().state, 'sealed', state);
    await at.process.stop();
  }
});
