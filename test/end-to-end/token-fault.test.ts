import { readFileSync } from 'node:fs';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { softhsmModule } from '../../appliance/service/software-token/module.ts';
import { removeFolder, startAppliance, temporaryFolder, until } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { ckr, Shim } from '../harness/shim.ts';

/**
 * What happens to tokens, under load: whatever it is, no Get fails, the keeper stays the process
 * that it was, and the root key is used again as soon as the token is well.
 */
class Load {
  readonly #clients: readonly KmipClient[];
  readonly #ended: Promise<unknown>;
  readonly failures: string[] = [];
  fetched = 0;
  #over = false;

  private constructor(clients: readonly KmipClient[], id: string, key: string) {
    this.#clients = clients;
    this.#ended = Promise.all(clients.map((client) => this.#fetch(client, id, key)));
  }

  /** Two clients that fetch one key, one time after the other, until `end`. */
  static async begin(appliance: RunningAppliance): Promise<Load> {
    const clients = [new KmipClient(appliance), new KmipClient(appliance)] as const;
    const id = await clients[0].create();
    return new Load(clients, id, await clients[0].get(id));
  }

  async #fetch(client: KmipClient, id: string, key: string): Promise<void> {
    while (!this.#over) {
      const got = await client.get(id).catch((error: unknown) => String(error));
      if (got !== key) this.failures.push(got);
      this.fetched++;
    }
  }

  /** Waits until more was fetched since: the fault is felt by somebody. */
  async goesOn(): Promise<void> {
    const before = this.fetched;
    await until('Gets go on', () => this.fetched > before + 20);
  }

  async end(): Promise<void> {
    this.#over = true;
    await this.#ended;
    for (const client of this.#clients) client.end();
  }
}

async function rotates(appliance: RunningAppliance): Promise<boolean> {
  return (await appliance.twinlock('root', 'rotate')).code === 0;
}

/** The root key is used again: a new one is made and opens its slots. */
async function isWell(t: ExecutionContext, appliance: RunningAppliance): Promise<void> {
  await until('the root key is used again', () => rotates(appliance), 90_000);
  t.regex((await appliance.twinlock('status')).stdout, /root key +ready/);
}

test('pulled, crashing, hanging and refusing tokens stop no Get, and come back', async (t) => {
  t.timeout(280_000);
  const folder = temporaryFolder();
  const shim = new Shim(folder);
  t.teardown(() => {
    removeFolder(folder);
  });
  const software = {
    module: softhsmModule(),
    environment: {},
    ended: new Promise<boolean>(() => {}),
  };
  const { environment } = shim.before({ ...software, stop: () => Promise.resolve() });
  const appliance = await startAppliance(t, {
    environment: { ...process.env, ...environment },
    more: ['--module', shim.module],
  });
  const load = await Load.begin(appliance);
  const [keeper] = appliance.processes('keeper');
  for (const [what, order] of [
    ['pulled', 'removed'],
    ['DEVICE_REMOVED', `fault * 1+ return ${ckr.deviceRemoved.toString(16)}`],
    ['SESSION_HANDLE_INVALID', `fault * 1+ return ${ckr.sessionHandleInvalid.toString(16)}`],
    ['GENERAL_ERROR', `fault * 1+ return ${ckr.generalError.toString(16)}`],
    ['PIN_LOCKED', `fault C_Login 1+ return ${ckr.pinLocked.toString(16)}`],
    ['crash', 'fault C_GenerateKeyPair 1 crash'],
    ['hang', 'fault C_GenerateKeyPair 1 hang'],
  ] as const) {
    const [token] = appliance.processes('token');
    shim.forgetCalls();
    shim.order(order);
    t.false(await rotates(appliance), what);
    t.true(shim.calls().length > 0, what);
    await load.goesOn();
    t.deepEqual(load.failures, [], what);
    shim.order();
    await isWell(t, appliance);
    // What ends a process is the token's alone.
    t.deepEqual(appliance.processes('keeper'), [keeper], what);
    if (what === 'crash' || what === 'hang') t.not(appliance.processes('token')[0], token, what);
  }
  await load.end();
  t.deepEqual(load.failures, []);
});

test('a TPM that is reset, again and again, stops no Get and is used again', async (t) => {
  t.timeout(280_000);
  const appliance = await startAppliance(t, { token: 'tpm' });
  const load = await Load.begin(appliance);
  const [keeper] = appliance.processes('keeper');
  for (let resets = 0; resets < 3; resets++) {
    const [tpm] = appliance.processes('swtpm');
    t.is(appliance.signal('swtpm', 'SIGKILL'), 1);
    await load.goesOn();
    await until('the TPM is back', () => {
      const [now] = appliance.processes('swtpm');
      return now !== undefined && now !== tpm;
    });
    await isWell(t, appliance);
    t.deepEqual(appliance.processes('keeper'), [keeper]);
  }
  await load.end();
  t.deepEqual(load.failures, []);
  t.notRegex(readFileSync(appliance.file('log', 'keeper.log'), 'utf8'), /pin-wrong/);
});
