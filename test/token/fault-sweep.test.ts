import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { softhsm } from '../../appliance/service/software-token/softhsm.ts';
import type { RootKey, Token } from '../../appliance/token/token.ts';
import { until } from '../harness/appliance.ts';
import { ckr, Shim } from '../harness/shim.ts';
import { encrypt } from './contract.ts';
import { codeOf, refusalOf, TokenProcess } from './token-process.ts';

/**
 * Every call of PKCS#11 that the appliance makes, with every fault that a token is known for: what
 * the caller is told, and that the token does its work again afterwards, with the keys it had.
 */
const faults = {
  DEVICE_REMOVED: `return ${ckr.deviceRemoved.toString(16)}`,
  SESSION_HANDLE_INVALID: `return ${ckr.sessionHandleInvalid.toString(16)}`,
  GENERAL_ERROR: `return ${ckr.generalError.toString(16)}`,
  PIN_LOCKED: `return ${ckr.pinLocked.toString(16)}`,
  hang: 'hang',
  crash: 'crash',
} as const;
type Fault = keyof typeof faults;

/** What is answered unless a call says otherwise. */
const usual: Readonly<Record<Fault, string>> = {
  DEVICE_REMOVED: 'restart-needed',
  SESSION_HANDLE_INVALID: 'restart-needed',
  GENERAL_ERROR: 'failed',
  PIN_LOCKED: 'pin-locked',
  // The process ends, by its own second thread or by the library: nothing else answers.
  hang: 'restart-needed',
  crash: 'restart-needed',
};
const returned = ['DEVICE_REMOVED', 'SESSION_HANDLE_INVALID', 'GENERAL_ERROR', 'PIN_LOCKED'];

/** All that is returned comes to the same. */
function always(outcome: string): Partial<Record<Fault, string>> {
  return Object.fromEntries(returned.map((fault) => [fault, outcome]));
}

interface Swept {
  readonly act: (token: Token, key: RootKey) => Promise<unknown>;
  /** A process that has not logged in, or not even loaded its module. */
  readonly from?: 'logged out' | 'nothing';
  readonly differs?: Partial<Record<Fault, string>>;
}

const decrypt = (token: Token, key: RootKey): Promise<unknown> =>
  token.decrypt(key.id, key.hash, encrypt(key, Buffer.from('x')));
const status = (token: Token): Promise<unknown> => token.status();
const login = (token: Token): Promise<unknown> => token.login(Buffer.from('123456'));
const makeAndDestroy = async (token: Token): Promise<void> => {
  const { id } = await token.makeRootKey('swept');
  await token.destroyRootKey(id);
};

const calls: Readonly<Record<string, Swept>> = {
  C_Initialize: { act: status, from: 'nothing', differs: always('module-unusable') },
  C_GetSlotList: { act: status, from: 'nothing' },
  C_GetTokenInfo: { act: status },
  C_OpenSession: { act: status, from: 'nothing' },
  C_GetSessionInfo: { act: status },
  C_Login: { act: login, from: 'logged out' },
  C_Logout: { act: (token) => token.relogin() },
  C_FindObjectsInit: { act: decrypt },
  C_FindObjects: { act: decrypt },
  C_FindObjectsFinal: { act: decrypt },
  C_DecryptInit: { act: decrypt },
  C_Decrypt: { act: decrypt },
  C_GetAttributeValue: { act: makeAndDestroy },
  // GENERAL_ERROR may mean a modulus that is too long (a TPM's): a shorter one is made.
  C_GenerateKeyPair: { act: makeAndDestroy, differs: { GENERAL_ERROR: 'no refusal' } },
  C_DestroyObject: { act: makeAndDestroy },
};

/** A token that is still blank, behind the module that fails by order. */
async function blank(deadline = 6_000): Promise<{ process: TokenProcess; shim: Shim }> {
  let shim: Shim | undefined;
  const process = await TokenProcess.start({
    deadline,
    token: (folder) => {
      shim = new Shim(folder);
      return Promise.resolve(shim.before(softhsm(join(folder, 'softhsm'))));
    },
  });
  await process.answering();
  if (shim === undefined) throw new Error('no shim');
  return { process, shim };
}

async function provisioned(deadline?: number): Promise<{ process: TokenProcess; shim: Shim }> {
  const { process, shim } = await blank(deadline);
  await process.token.provision(process.label, Buffer.from('654321'), process.pin);
  return { process, shim };
}

function wasMet(shim: Shim, name: string): boolean {
  return shim.calls().some((call) => call.name === name && call.instead !== '');
}

for (const [fault, what] of Object.entries(faults) as [Fault, string][]) {
  test(`${fault} in any call: told as declared, and well again`, async (t) => {
    t.timeout(280_000);
    // Long where nothing hangs: a busy machine makes a key for seconds.
    const { process, shim } = await provisioned(fault === 'hang' ? 6_000 : 30_000);
    t.teardown(() => process.stop());
    const key = await (await process.ready()).makeRootKey('first');
    const sample = randomBytes(32);
    const sealed = encrypt(key, sample);
    for (const [name, { act, from, differs = {} }] of Object.entries(calls)) {
      shim.order();
      if (from === undefined) await process.ready();
      else await process.fresh();
      if (from === 'nothing') await process.replaced();
      shim.forgetCalls();
      shim.order(`fault ${name} 1 ${what}`);
      const outcome = await refusalOf(act(process.token, key));
      t.is(outcome, differs[fault] ?? usual[fault], name);
      t.true(wasMet(shim, name), name);
      // The fault was one call's: the same process, or the next one, opens what it opened before. A
      // library that was left in the middle of a decryption says so once, and is let go.
      let opened: Buffer = Buffer.alloc(0);
      await until('it opens again', async () => {
        const decrypted = process.ready().then((token) => token.decrypt(key.id, key.hash, sealed));
        const tries = await decrypted.catch((error: unknown) => codeOf(error));
        if (typeof tries === 'string' && tries !== 'restart-needed') throw new Error(tries);
        if (typeof tries !== 'string') opened = tries;
        return opened.length > 0;
      });
      t.deepEqual(opened, sample, name);
    }
  });
}

test('the sweep leaves out no call that is made', (t) => {
  const source = readFileSync(
    join(import.meta.dirname, '..', '..', 'appliance', 'token', 'pkcs11.ts'),
    'utf8',
  );
  const used = new Set([...source.matchAll(/#module\.(C_\w+)\(/g)].map(([, name]) => name ?? ''));
  // Those of the set-up, and of the end, have tests of their own below.
  const apart = ['C_InitToken', 'C_InitPIN', 'C_CloseSession', 'C_CloseAllSessions', 'C_Finalize'];
  t.deepEqual([...used].sort(), [...Object.keys(calls), ...apart].sort());
});

const inSetUp = ['C_InitToken', 'C_OpenSession', 'C_Login', 'C_InitPIN', 'C_CloseSession'];
for (const [fault, what] of Object.entries(faults) as [Fault, string][]) {
  test.serial(`a set-up that ${fault} breaks, in any call, is said to have failed`, async (t) => {
    t.timeout(120_000);
    for (const name of inSetUp) {
      const { process, shim } = await blank();
      try {
        shim.order(`fault ${name} 1 ${what}`);
        const officer = Buffer.from('654321');
        const setUp = process.token.provision(process.label, officer, process.pin);
        t.is(await refusalOf(setUp), usual[fault], name);
      } finally {
        await process.stop();
      }
    }
  });
}

test.serial('a library that fails at its end does not hold up the next start', async (t) => {
  t.timeout(120_000);
  const { process, shim } = await provisioned();
  t.teardown(() => process.stop());
  for (const name of ['C_CloseAllSessions', 'C_Finalize']) {
    for (const [fault, what] of Object.entries(faults)) {
      await process.ready();
      const { pid } = process;
      shim.forgetCalls();
      shim.order(`fault ${name} 1 ${what}`);
      await process.replaced('SIGTERM');
      t.not(process.pid, pid, fault);
      t.true(wasMet(shim, name), `${name}: ${fault}`);
    }
  }
});
