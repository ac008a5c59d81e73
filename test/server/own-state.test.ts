import test from 'ava';
import { nameOf, State } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { Asker } from '../conformance/error/asker.ts';
import type { OperationName } from '../conformance/error/asker.ts';
import { fitting, key, requestOn } from '../conformance/error/fitting.ts';
import { enumerated, id, struct } from '../harness/operations.ts';
import { nearServer } from '../harness/near-server.ts';
import type { NearServer } from '../harness/near-server.ts';
import { allowedOfKind } from './allowed-state.ts';

const far = 100_000;
const code = { compromised: 2, ceased: 6 } as const;

async function stateOf(asker: Asker, object: string): Promise<unknown> {
  const asked = [id(object), enumerated('AttributeReference', Tag.State)];
  const { payload } = await asker.ask('GetAttributes', asked);
  const attributes = payload.flatMap(({ type, value }) => (type === 'Structure' ? value : []));
  return attributes.find(({ tag }) => tag === Tag.State)?.value;
}

/** Brings an object of whatever kind there, from Pre-Active or Active. */
async function bring(asker: Asker, object: string, state: State): Promise<void> {
  const revoke = (reason: number): Promise<unknown> => {
    const why = struct('RevocationReason', enumerated('RevocationReasonCode', reason));
    return asker.made('Revoke', [id(object), why]);
  };
  const isNew = (await stateOf(asker, object)) === State.PreActive;
  if (isNew && [State.Active, State.Deactivated].some((each) => each === state)) {
    await asker.activate(object);
  }
  if (state === State.Deactivated) await revoke(code.ceased);
  if (state === State.Destroyed && !isNew) await revoke(code.ceased);
  if (state === State.Compromised || state === State.DestroyedCompromised) {
    await revoke(code.compromised);
  }
  if (state >= State.Destroyed) await asker.made('Destroy', [id(object)]);
}

/** Objects that fit an operation, in this state. A key that is active later is Pre-Active now. */
async function objectsIn(
  server: NearServer,
  operation: OperationName,
  state: State,
): Promise<{ readonly asker: Asker; readonly ids: readonly string[] }> {
  const now = server.now() + (state === State.PreActive ? far : 0);
  const asker = new Asker(201, now, (message) => server.exchange(message));
  const ids = operation === 'Recover' ? [await key(asker)] : await fitting(asker, operation);
  for (const each of ids) await bring(asker, each, state);
  return { asker, ids };
}

const all: readonly State[] = Object.values(State);

for (const [name, states] of Object.entries(allowedOfKind)) {
  const operation = name as OperationName;
  test(`${name} is let at in its states, refused in all others`, async (t) => {
    const server = nearServer(t);
    for (const state of all) {
      const { asker, ids } = await objectsIn(server, operation, state);
      for (const each of ids) t.is(await stateOf(asker, each), state, nameOf(State, state));
      const isThere = state < State.Destroyed;
      if (operation === 'Recover' && isThere) await asker.archive(ids[0] ?? '');
      const { reason } = await asker.ask(operation, requestOn(asker, operation, ids));
      const refusal = isThere ? 'WrongKeyLifecycleState' : 'ObjectDestroyed';
      t.is(reason, states.includes(state) ? 'Success' : refusal, nameOf(State, state));
    }
  });
}
