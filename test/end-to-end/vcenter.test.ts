import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { command, startAppliance } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { batchId, find, integer, request, wire, Wires } from '../harness/vcenter.ts';
import type { Answer, Credential, Shape, Wire } from '../harness/vcenter.ts';

/** Conversations as vCenter has them, each action on a connection of its own. */
class VCenter {
  readonly #appliance: RunningAppliance;
  readonly #t: ExecutionContext;
  readonly #files: { cert: Buffer; key: Buffer };
  readonly #tls: { minVersion: 'TLSv1.2' | 'TLSv1.3'; maxVersion: 'TLSv1.2' | 'TLSv1.3' };
  readonly #credential: Credential | undefined;

  constructor(
    t: ExecutionContext,
    appliance: RunningAppliance,
    folder: string,
    tls: 'TLSv1.2' | 'TLSv1.3',
    credential?: Credential,
  ) {
    this.#t = t;
    this.#appliance = appliance;
    this.#files = {
      cert: readFileSync(join(folder, 'cert.pem')),
      key: readFileSync(join(folder, 'key.pem')),
    };
    this.#tls = { minVersion: tls, maxVersion: tls };
    this.#credential = credential;
  }

  connect(): Wires {
    const { host, port } = this.#appliance;
    return new Wires({ host, port, ...this.#files, ...this.#tls });
  }

  /** TLS and nothing else: how vCenter looks at a certificate. */
  async look(): Promise<void> {
    const wires = this.connect();
    this.#t.true(await wires.ready());
    wires.end();
  }

  /** A connection that begins, as all do, with a Discover Versions that bears no batch id. */
  async conversation<T>(
    act: (send: (...wires: Wire[]) => Promise<Answer>) => Promise<T>,
  ): Promise<T> {
    const wires = this.connect();
    const first = request([wire.discoverVersions()], { ids: false });
    this.#t.is(first.length, 104);
    this.#t.is(first.subarray(0, 8).toString('hex'), '4200780100000060');
    const versions = await wires.exchange(first);
    this.#t.is(versions.results[0]?.status, 0);
    this.#t.is(versions.results[0]?.batchId, undefined);
    const result = await act((...items) => this.#send(wires, items));
    wires.end();
    return result;
  }

  async #send(wires: Wires, items: readonly Wire[]): Promise<Answer> {
    const withCredential = [0x01, 0x0a, 0x12].includes(items[0]?.operation ?? 0);
    const shape: Shape = withCredential ? { credential: this.#credential } : {};
    const answer = await wires.exchange(request(items, shape));
    this.#t.deepEqual(answer.version, [1, 1]);
    this.#t.deepEqual(
      answer.results.map((result) => result.batchId),
      items.map((_, i) => batchId(i + 1).toString('hex')),
    );
    for (const result of answer.results) this.#t.is(result.status, 0);
    return answer;
  }

  async create(): Promise<string> {
    return this.conversation(async (send) => {
      const [result] = (await send(wire.create())).results;
      return find(result?.payload ?? [], 0x420094)?.body.toString() ?? '';
    });
  }

  async tag(id: string, values: Readonly<Record<string, string>>): Promise<void> {
    await this.conversation(async (send) => {
      for (const name of Object.keys(values)) {
        const [unset] = (await send(wire.getAttribute(id, name))).results;
        this.#t.deepEqual(
          unset?.payload.map(({ tag }) => tag),
          [0x420094],
        );
      }
      const entries = Object.entries(values);
      const added = await send(
        ...entries.map(([name, value]) => wire.addAttribute(id, name, value)),
      );
      for (const [i, [name, value]] of entries.entries()) {
        const payload = added.results[i]?.payload ?? [];
        this.#t.is(find(payload, 0x420094)?.body.toString(), id);
        this.#t.is(find(payload, 0x420008, 0x42000a)?.body.toString(), name);
        this.#t.is(find(payload, 0x420008, 0x42000b)?.body.toString(), value);
      }
    });
  }

  /** Get, ask the State, activate when it is Pre-Active; gives the key. */
  async fetch(id: string, expectedState?: number): Promise<string> {
    return this.conversation(async (send) => {
      const before = keyOf(await send(wire.get(id)));
      const state = stateOf(await send(wire.getAttribute(id, 'State')));
      if (expectedState !== undefined) this.#t.is(state, expectedState);
      if (state !== 1) return before;
      await send(wire.activate(id));
      this.#t.is(stateOf(await send(wire.getAttribute(id, 'State'))), 2);
      this.#t.is(keyOf(await send(wire.get(id))), before);
      return before;
    });
  }
}

function keyOf(answer: Answer): string {
  const payload = answer.results[0]?.payload ?? [];
  const block = find(payload, 0x42008f, 0x420040)?.items ?? [];
  const format = find(block, 0x420042)?.body.readUInt32BE(0);
  const key = find(block, 0x420045, 0x420043)?.body;
  if (format !== 1 || key?.length !== 32) throw new Error('not a raw key of 32 bytes');
  return key.toString('hex');
}

function stateOf(answer: Answer): number | undefined {
  const payload = answer.results[0]?.payload ?? [];
  return find(payload, 0x420008, 0x42000b)?.body.readUInt32BE(0);
}

const product = {
  'x-Product_Version': '8.0.1 build-21560480',
  'x-Vendor': 'VMware, Inc.',
  'x-Product': 'VMware vSphere',
};

function named(component: string, name: string): Record<string, string> {
  return {
    'x-Identifier': '4226f566-3ed5-1c8f-9a2b-0123456789ab',
    'x-Component': component,
    'x-Name': name,
  };
}

async function encryptFirstMachine(vcenter: VCenter, name: string): Promise<Map<string, string>> {
  const machine = await vcenter.create();
  const [, host] = await Promise.all([vcenter.tag(machine, product), vcenter.create()]);
  const [hostKey] = await Promise.all([vcenter.fetch(host, 1), vcenter.tag(host, product)]);
  await vcenter.tag(host, named('ESXi Server', 'esx1.example'));
  const machineKey = await vcenter.fetch(machine, 1);
  await vcenter.tag(machine, named('Virtual Machine', name));
  return new Map([
    [machine, machineKey],
    [host, hostKey],
  ]);
}

async function establishTrust(
  t: ExecutionContext,
  appliance: RunningAppliance,
  own: string,
): Promise<VCenter> {
  const vcenter = new VCenter(t, appliance, own, 'TLSv1.2');
  for (let i = 0; i < 10; i++) {
    const wires = vcenter.connect();
    const ended = wires.next();
    wires.socket.write(request([wire.discoverVersions()], { ids: false }));
    t.is(await ended, undefined);
  }
  const cert = join(own, 'cert.pem');
  const added = await appliance.twinlock('client', 'add', '--name', 'vc', '--cert', cert);
  t.is(added.code, 0, added.stderr);
  const versions = vcenter.conversation((send) => send(wire.discoverVersions()));
  await Promise.all([versions, vcenter.look()]);
  const query = await vcenter.conversation((send) => send(wire.query(3)));
  t.truthy(find(query.results[0]?.payload ?? [], 0x42009d));
  return vcenter;
}

/** vCenter's own certificate: it signs itself and has no extended key usage. */
async function selfSigned(t: ExecutionContext, folder: string): Promise<void> {
  const openssl = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650'];
  const subject = ['-subj', '/CN=kmipClient20260101120000'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  t.is((await command('openssl', [...openssl, ...subject, ...files])).code, 0);
}

for (const token of ['tpm', 'softhsm'] as const) {
  test(`vCenter's conversations on ${token}`, async (t) => {
    t.timeout(180_000);
    const appliance = await startAppliance(t, { token });
    const { state } = appliance;
    const own = join(state, 'vcenter');
    await command('mkdir', [own]);
    await selfSigned(t, own);

    // E1: before trust every handshake ends without an answer, and nobody is banned for it.
    const stranger = await establishTrust(t, appliance, own);

    // E2: the poll of every five minutes.
    for (let i = 0; i < 3; i++) {
      await stranger.look();
      await stranger.conversation((send) => send(wire.discoverVersions()));
    }

    // E3: with and without a password, over both versions of TLS; names of all kinds.
    const passwords: Credential = { user: 'kmip', password: 'correct horse' };
    const kinds = [
      new VCenter(t, appliance, own, 'TLSv1.2'),
      new VCenter(t, appliance, own, 'TLSv1.3', passwords),
    ];
    const keys = new Map<string, string>();
    for (const vcenter of kinds) {
      const names = ['Dätenbänk "prod" 1', `${'x'.repeat(79)}Ω`];
      for (const name of names) {
        for (const [id, key] of await encryptFirstMachine(vcenter, name)) keys.set(id, key);
      }
    }
    t.is(new Set(keys.values()).size, 8);

    // E6: hosts come back; every key at once, each over a connection of its own.
    const [tls12] = kinds;
    const repeated = Array.from({ length: 4 }, () => [...keys]).flat();
    await Promise.all(
      repeated.map(async ([id, key]) => {
        t.is((await tls12?.fetch(id, 2)) ?? '', key);
      }),
    );

    // E11: what was revoked is still given out, and says so; what was destroyed is gone.
    const [victim] = keys.keys();
    const id = victim ?? '';
    await stranger.conversation((send) => send(wire.revoke(id, 1)));
    t.is(await stranger.fetch(id, 3), keys.get(id) ?? '');

    // E14: attributes of an administrator's own making.
    await stranger.tag(id, { 'x-Über': 'Größe', 'x-Long': 'y'.repeat(2000), 'x-Empty': '' });
  });
}

test('E13 and E15: clients that do not know how to behave', async (t) => {
  const appliance = await startAppliance(t);
  const vcenter = new VCenter(t, appliance, appliance.file('client'), 'TLSv1.3');
  const id = await vcenter.create();

  // Operation Not Supported bears the request's version and batch id; the connection goes on.
  const wires = vcenter.connect();
  const unknown = await wires.exchange(request([{ operation: 0x2f, payload: Buffer.alloc(0) }]));
  t.deepEqual(unknown.version, [1, 1]);
  t.is(unknown.results[0]?.reason, 5);
  t.is(unknown.results[0]?.batchId, batchId(1).toString('hex'));

  // A header of a version that is not spoken.
  const later = await wires.exchange(request([wire.get(id)], { version: [9, 1] }));
  t.is(later.results[0]?.reason, 4);
  t.is(later.results[0]?.operation, undefined);

  // The same custom attribute again: a further instance, the connection kept.
  for (const value of ['one', 'two']) {
    const again = await wires.exchange(request([wire.addAttribute(id, 'x-Same', value)]));
    t.is(again.results[0]?.status, 0);
  }

  // A response that may not be longer than it is.
  const small = await wires.exchange(request([wire.get(id)], { header: integer(0x420050, 64) }));
  t.is(small.results[0]?.reason, 2);
  t.is(small.results[0]?.operation, 0x0a);
  wires.end();

  // A length beyond the limit: one error, and the end.
  const greedy = vcenter.connect();
  const refused = await greedy.exchange(Buffer.from('4200780180000000', 'hex'));
  t.is(refused.results[0]?.reason, 4);
  t.is(await greedy.next(), undefined);

  // Half a message and a thousand silent connections disturb nobody.
  const half = vcenter.connect();
  half.socket.write(request([wire.get(id)]).subarray(0, 50));
  const silent = Array.from({ length: 200 }, () => vcenter.connect());
  await Promise.all(silent.map((each) => each.ready()));
  t.is((await vcenter.fetch(id)).length, 64);
  for (const each of [half, ...silent]) each.socket.destroy();

  // Blocking cuts what is open and lets nothing new in.
  const live = vcenter.connect();
  await live.ready();
  const cut = live.next();
  t.is((await appliance.twinlock('client', 'block', 'client')).code, 0);
  t.is(await cut, undefined);
  const after = vcenter.connect();
  const ended = after.next();
  after.socket.write(request([wire.get(id)]));
  t.is(await ended, undefined);
});

test('a certificate made from vCenter’s request is let in', async (t) => {
  const appliance = await startAppliance(t);
  const folder = appliance.file('csr');
  await command('mkdir', [folder]);
  const csr = join(folder, 'vcenter.csr');
  await command('openssl', [
    ...['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=vcenter.example/O=Example'],
    ...['-keyout', join(folder, 'key.pem'), '-out', csr],
  ]);
  const cert = join(folder, 'cert.pem');
  const signed = await appliance.twinlock(
    'client',
    'sign-csr',
    '--csr',
    csr,
    '--name',
    'vc',
    '--out',
    cert,
  );
  t.is(signed.code, 0, signed.stderr);
  const vcenter = new VCenter(t, appliance, folder, 'TLSv1.2');
  t.is((await vcenter.fetch(await vcenter.create(), 1)).length, 64);
  writeFileSync(csr, 'rubbish');
  const rubbish = await appliance.twinlock('client', 'sign-csr', '--csr', csr, '--name', 'vc2');
  t.is(rubbish.code, 2);
  t.regex(rubbish.stderr, /^error: .*\nhint: .*\n$/);
});
