import test from 'ava';
import {
  nameOf,
  ObjectType,
  RevocationReasonCode,
  State,
} from '../../appliance/kmip/enumeration.ts';
import { CryptographicUsageMask } from '../../appliance/kmip/mask.ts';
import { stateAt } from '../../appliance/kmip/state.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { Asker } from '../conformance/error/asker.ts';
import type { Given } from '../conformance/error/asker.ts';
import { find } from '../conformance/scene.ts';
import { bytes, date, enumerated, id, integer, struct } from '../harness/operations.ts';
import { nearServer } from '../harness/near-server.ts';
import type { NearServer } from '../harness/near-server.ts';

/** KMIP 1.4 §3.22: states and the ten transitions between them, by operations and by the clock. */
type StateName = keyof typeof State;

class World {
  readonly server: NearServer;
  readonly ask: Asker;

  constructor(server: NearServer, version: number) {
    this.server = server;
    this.ask = new Asker(version, server.now(), (message) => server.exchange(message));
  }

  at(name: string, seconds: number): Given {
    return [name, date('ActivationDate', this.server.now() + seconds)];
  }

  /** A symmetric key of so many dates, in seconds from now. */
  async key(dates: Readonly<Record<string, number>> = {}): Promise<string> {
    const { Encrypt, Decrypt } = CryptographicUsageMask;
    const [object = ''] = await this.ask.made('Create', [
      enumerated('ObjectType', ObjectType.SymmetricKey),
      this.ask.with(
        'TemplateAttribute',
        ['Cryptographic Algorithm', enumerated('CryptographicAlgorithm', 3)],
        ['Cryptographic Length', integer('CryptographicLength', 128)],
        ['Cryptographic Usage Mask', integer('CryptographicUsageMask', Encrypt | Decrypt)],
        ...Object.entries(dates).map(([name, seconds]) => this.at(name, seconds)),
      ),
    ]);
    return object;
  }

  async value(object: string, name: string): Promise<unknown> {
    const { payload } = await this.ask.ask('GetAttributes', [id(object), this.ask.named(name)]);
    const tag = this.ask.isOld ? Tag.AttributeValue : Tag.Attributes;
    const found = find(struct('ResponsePayload', ...payload), tag);
    const item = found?.type === 'Structure' ? found.value[0] : found;
    return item?.value;
  }

  async state(object: string): Promise<StateName> {
    return nameOf(State, Number(await this.value(object, 'State'))) as StateName;
  }

  /** Seconds from now to a date; undefined where it is not set. */
  async until(object: string, name: string): Promise<number | undefined> {
    const value = await this.value(object, name);
    return value === undefined ? undefined : Number(value) - this.server.now();
  }

  async revoke(object: string, why: keyof typeof RevocationReasonCode): Promise<string> {
    const code = enumerated('RevocationReasonCode', RevocationReasonCode[why]);
    return (await this.ask.ask('Revoke', [id(object), struct('RevocationReason', code)])).reason;
  }

  async does(operation: 'Activate' | 'Destroy' | 'Get', object: string): Promise<string> {
    return (await this.ask.ask(operation, [id(object)])).reason;
  }

  async uses(operation: 'Encrypt' | 'Decrypt', object: string): Promise<string> {
    const parameters = struct('CryptographicParameters', enumerated('BlockCipherMode', 2));
    const data = bytes('Data', '00'.repeat(16));
    const padding: Item[] = [id(object), parameters, data];
    return (await this.ask.ask(operation, padding)).reason;
  }
}

const ways: Readonly<Record<StateName, (world: World) => Promise<string>>> = {
  PreActive: (world) => world.key(),
  Active: (world) => world.key({ 'Activation Date': 0 }),
  async Deactivated(world) {
    const object = await ways.Active(world);
    await world.revoke(object, 'CessationOfOperation');
    return object;
  },
  async Compromised(world) {
    const object = await ways.Active(world);
    await world.revoke(object, 'KeyCompromise');
    return object;
  },
  async Destroyed(world) {
    const object = await ways.PreActive(world);
    await world.does('Destroy', object);
    return object;
  },
  async DestroyedCompromised(world) {
    const object = await ways.Compromised(world);
    await world.does('Destroy', object);
    return object;
  },
};

type Move = readonly [by: string, from: StateName, to: StateName | 'refused'];

/** What each state makes of each operation that changes states. */
const moves: readonly Move[] = [
  ['Activate', 'PreActive', 'Active'],
  ['Activate', 'Active', 'refused'],
  ['Activate', 'Deactivated', 'refused'],
  ['Activate', 'Compromised', 'refused'],
  ['Activate', 'Destroyed', 'refused'],
  ['Activate', 'DestroyedCompromised', 'refused'],
  ['Destroy', 'PreActive', 'Destroyed'],
  ['Destroy', 'Active', 'refused'],
  ['Destroy', 'Deactivated', 'Destroyed'],
  ['Destroy', 'Compromised', 'DestroyedCompromised'],
  ['Destroy', 'Destroyed', 'refused'],
  ['Destroy', 'DestroyedCompromised', 'refused'],
  ['KeyCompromise', 'PreActive', 'Compromised'],
  ['KeyCompromise', 'Active', 'Compromised'],
  ['KeyCompromise', 'Deactivated', 'Compromised'],
  ['CACompromise', 'Deactivated', 'Compromised'],
  ['KeyCompromise', 'Compromised', 'Compromised'],
  ['KeyCompromise', 'Destroyed', 'DestroyedCompromised'],
  ['KeyCompromise', 'DestroyedCompromised', 'DestroyedCompromised'],
  ['CessationOfOperation', 'PreActive', 'refused'],
  ['CessationOfOperation', 'Active', 'Deactivated'],
  ['Superseded', 'Active', 'Deactivated'],
  ['CessationOfOperation', 'Deactivated', 'refused'],
  ['CessationOfOperation', 'Compromised', 'refused'],
  ['CessationOfOperation', 'Destroyed', 'refused'],
  ['CessationOfOperation', 'DestroyedCompromised', 'refused'],
];

for (const version of [100, 104, 201]) {
  test(`${version}: every operation that changes states, in every state`, async (t) => {
    const world = new World(nearServer(t), version);
    for (const [by, from, to] of moves) {
      const object = await ways[from](world);
      t.is(await world.state(object), from);
      const isOperation = by === 'Activate' || by === 'Destroy';
      const reason = isOperation
        ? await world.does(by, object)
        : await world.revoke(object, by as keyof typeof RevocationReasonCode);
      t.is(reason === 'Success', to !== 'refused', `${by} of ${from}: ${reason}`);
      t.is(await world.state(object), to === 'refused' ? from : to, `${by} of ${from}`);
    }
  });

  test(`${version}: the clock alone moves an object from state to state`, async (t) => {
    const world = new World(nearServer(t), version);
    const { server } = world;
    const object = await world.key({ 'Activation Date': 100, 'Deactivation Date': 300 });
    const written = await world.value(object, 'Last Change Date');
    t.is(await world.state(object), 'PreActive');
    server.wait(99);
    t.is(await world.state(object), 'PreActive');
    if (version >= 102) t.not(await world.uses('Encrypt', object), 'Success');
    // At the very second of the date, and not after it.
    server.wait(1);
    t.is(await world.state(object), 'Active');
    t.not(await world.does('Activate', object), 'Success');
    t.not(await world.does('Destroy', object), 'Success');
    server.wait(199);
    t.is(await world.state(object), 'Active');
    server.wait(1);
    t.is(await world.state(object), 'Deactivated');
    t.is(await world.does('Get', object), 'Success');
    if (version >= 102) {
      t.not(await world.uses('Encrypt', object), 'Success');
      t.is(await world.uses('Decrypt', object), 'Success');
    }
    // Nobody wrote anything for it.
    t.is(await world.value(object, 'Last Change Date'), written);
    t.is(await world.does('Destroy', object), 'Success');
    t.is(await world.state(object), 'Destroyed');
    t.is(await world.until(object, 'Destroy Date'), 0);
  });

  test(`${version}: operations write the dates that say what happened`, async (t) => {
    const world = new World(nearServer(t), version);
    const { server } = world;
    const object = await world.key({ 'Activation Date': 500, 'Deactivation Date': 900 });
    server.wait(10);
    t.is(await world.does('Activate', object), 'Success');
    t.is(await world.until(object, 'Activation Date'), 0);
    server.wait(10);
    t.is(await world.revoke(object, 'Superseded'), 'Success');
    t.is(await world.until(object, 'Deactivation Date'), 0);
    t.is(await world.until(object, 'Compromise Date'), undefined);
    server.wait(10);
    t.is(await world.revoke(object, 'KeyCompromise'), 'Success');
    t.is(await world.until(object, 'Compromise Date'), 0);
    t.is(await world.until(object, 'Deactivation Date'), -10);
    t.is(await world.until(object, 'Last Change Date'), 0);
    server.wait(10);
    t.is(await world.does('Destroy', object), 'Success');
    t.is(await world.until(object, 'Destroy Date'), 0);
    t.is(await world.until(object, 'Compromise Date'), -10);
    t.is(await world.until(object, 'Activation Date'), -30);
    t.is(await world.until(object, 'Initial Date'), -40);
  });
}

test('a clock that goes back takes back no word that was given', (t) => {
  const life = { compromised: false, destroyed: false } as const;
  t.is(stateAt({ ...life, activationDate: 100, activated: true }, 50), State.Active);
  t.is(stateAt({ ...life, activationDate: 100 }, 50), State.PreActive);
  t.is(stateAt({ ...life, deactivationDate: 100, deactivated: true }, 50), State.Deactivated);
  t.is(stateAt({ ...life, activated: true, compromised: true }, 50), State.Compromised);
});
