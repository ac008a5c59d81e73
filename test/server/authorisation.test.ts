import { randomUUID } from 'node:crypto';
import test from 'ava';
import * as e from '../../appliance/kmip/enumeration.ts';
import { Operation, ResultReason, ResultStatus, State } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { operations } from '../../appliance/operation/index.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { encode } from '../../appliance/ttlv/encode.ts';
import { find, textOf } from '../conformance/scene.ts';
import { nearClient, nearServer } from '../harness/near-server.ts';
import type { Asked, NearServer } from '../harness/near-server.ts';
import { allowedOfKind } from './allowed-state.ts';

/** Every operation × {no rights, another group's object, each state}. */
const structure = (tag: number, ...value: Item[]): Item => ({ tag, type: 'Structure', value });
const enumeration = (tag: number, value: number): Item => ({ tag, type: 'Enumeration', value });
const bytes = (tag: number, hex: string): Item => ({
  ...{ tag, type: 'ByteString', value: Buffer.from(hex, 'hex') },
});
const text = (tag: number, value: string): Item => ({ tag, type: 'TextString', value });
const integer = (tag: number, value: number): Item => ({ tag, type: 'Integer', value });

const comment = (value: string): Item => structure(Tag.NewAttribute, text(Tag.Comment, value));
const reference = enumeration(Tag.AttributeReference, Tag.Comment);
const reason = (code: number): Item =>
  structure(Tag.RevocationReason, enumeration(Tag.RevocationReasonCode, code));

/** What each operation needs besides the object; those that need nothing more are not here. */
const fields: Readonly<Record<number, readonly Item[]>> = {
  [Operation.AddAttribute]: [structure(Tag.NewAttribute, text(Tag.Description, 'new'))],
  [Operation.ModifyAttribute]: [comment('changed')],
  [Operation.SetAttribute]: [comment('set')],
  [Operation.DeleteAttribute]: [reference],
  [Operation.AdjustAttribute]: [
    enumeration(Tag.AttributeReference, Tag.ProtectionPeriod),
    enumeration(Tag.AdjustmentType, e.AdjustmentType.Increment),
  ],
  [Operation.Revoke]: [reason(e.RevocationReasonCode.KeyCompromise)],
  [Operation.Encrypt]: [bytes(Tag.Data, '00'.repeat(16))],
  [Operation.Decrypt]: [bytes(Tag.Data, '00'.repeat(16))],
  [Operation.Sign]: [bytes(Tag.Data, '00')],
  [Operation.SignatureVerify]: [bytes(Tag.Data, '00'), bytes(Tag.SignatureData, '00')],
  [Operation.MAC]: [bytes(Tag.Data, '00')],
  [Operation.MACVerify]: [bytes(Tag.Data, '00'), bytes(Tag.MACData, '00'.repeat(32))],
  [Operation.DeriveKey]: [
    enumeration(Tag.DerivationMethod, e.DerivationMethod.HMAC),
    structure(Tag.DerivationParameters, bytes(Tag.DerivationData, '00')),
    structure(Tag.Attributes),
  ],
  [Operation.CreateSplitKey]: [
    integer(Tag.SplitKeyParts, 2),
    integer(Tag.SplitKeyThreshold, 2),
    enumeration(Tag.SplitKeyMethod, e.SplitKeyMethod.XOR),
    structure(Tag.Attributes),
  ],
  [Operation.GetUsageAllocation]: [{ tag: Tag.UsageLimitsCount, type: 'LongInteger', value: 1n }],
};

/** What names the object, where that is not its Unique Identifier. */
const identifierTags: Readonly<Record<number, number>> = {
  [Operation.ReKeyKeyPair]: Tag.PrivateKeyUniqueIdentifier,
};

/** What has to say an object type first. */
const typed: ReadonlySet<number> = new Set([
  Operation.CreateSplitKey,
  Operation.DeriveKey,
  Operation.JoinSplitKey,
]);

const onObjects = operations.filter(({ policy }) => policy.target === 'object');
const nameOf = (operation: number): string => e.nameOf(Operation, operation);

function asked(operation: number, id: string): Asked {
  const tag = identifierTags[operation] ?? Tag.UniqueIdentifier;
  const before = typed.has(operation)
    ? [enumeration(Tag.ObjectType, e.ObjectType.SymmetricKey)]
    : [];
  const payload = [...before, text(tag, id), ...(fields[operation] ?? [])];
  return { operation, payload };
}

async function make(server: NearServer): Promise<string> {
  const answer = await server.send([
    {
      operation: Operation.Create,
      payload: [
        enumeration(Tag.ObjectType, e.ObjectType.SymmetricKey),
        structure(
          Tag.Attributes,
          enumeration(Tag.CryptographicAlgorithm, e.CryptographicAlgorithm.AES),
          integer(Tag.CryptographicLength, 256),
          integer(Tag.CryptographicUsageMask, 0xffff),
          text(Tag.Comment, 'as made'),
          { tag: Tag.ProtectionPeriod, type: 'Interval', value: 60 },
          structure(
            Tag.CryptographicParameters,
            enumeration(Tag.BlockCipherMode, e.BlockCipherMode.ECB),
          ),
        ),
      ],
    },
  ]);
  const identifier = find(answer, Tag.UniqueIdentifier);
  if (identifier === undefined) throw new Error('nothing was made');
  return textOf(identifier);
}

/** How an object comes into each state. */
const ways: Readonly<Record<State, readonly [operation: number, more: readonly Item[]][]>> = {
  [State.PreActive]: [],
  [State.Active]: [[Operation.Activate, []]],
  [State.Deactivated]: [
    [Operation.Activate, []],
    [Operation.Revoke, [reason(e.RevocationReasonCode.CessationOfOperation)]],
  ],
  [State.Compromised]: [[Operation.Revoke, [reason(e.RevocationReasonCode.KeyCompromise)]]],
  [State.Destroyed]: [[Operation.Destroy, []]],
  [State.DestroyedCompromised]: [
    [Operation.Revoke, [reason(e.RevocationReasonCode.KeyCompromise)]],
    [Operation.Destroy, []],
  ],
};

async function bring(server: NearServer, state: State): Promise<string> {
  const id = await make(server);
  for (const [operation, more] of ways[state]) {
    const payload = [text(Tag.UniqueIdentifier, id), ...more];
    const answer = await server.send([{ operation, payload }]);
    if (find(answer, Tag.ResultStatus)?.value !== ResultStatus.Success) {
      throw new Error(`no way to ${e.nameOf(State, state)}`);
    }
  }
  return id;
}

const all = Object.values(State);
const whole = all.filter((state) => state < State.Destroyed);
const { PreActive, Active } = State;
const usable = [State.Active, State.Deactivated, State.Compromised];

/**
 * The states in which each operation is let at a client's own key (KMIP 2.1 §4.57 and the
 * operations' error tables).
 */
const allowedIn: Readonly<Record<number, readonly State[]>> = {
  [Operation.Check]: whole,
  [Operation.ReKey]: whole.filter((state) => state !== State.Compromised),
  [Operation.Archive]: whole,
  [Operation.ObtainLease]: whole.filter((state) => state !== State.Compromised),
  [Operation.Get]: whole,
  [Operation.Export]: all,
  [Operation.GetAttributes]: all,
  [Operation.GetAttributeList]: all,
  [Operation.AddAttribute]: whole,
  [Operation.ModifyAttribute]: whole,
  [Operation.SetAttribute]: whole,
  [Operation.AdjustAttribute]: whole,
  [Operation.DeleteAttribute]: whole,
  [Operation.Activate]: [PreActive],
  [Operation.Revoke]: all,
  [Operation.Destroy]: whole.filter((state) => state !== Active),
  [Operation.Encrypt]: [Active],
  [Operation.Decrypt]: usable,
};

test('another group’s object cannot be told from one that does not exist', async (t) => {
  const server = nearServer(t);
  const stranger = nearClient('others');
  for (const state of all) {
    const theirs = await bring(server, state);
    for (const { operation, since } of onObjects) {
      const seen = [];
      for (const id of [theirs, randomUUID()]) {
        Object.assign(server.work, { queries: 0, unwraps: 0, changes: 0 });
        const answer = await server.send([asked(operation, id)], { client: stranger });
        seen.push({ answer: encode(answer).toString('hex'), ...server.work });
        const name = `${nameOf(operation)} in ${e.nameOf(State, state)}`;
        t.is(find(answer, Tag.ResultReason)?.value, ResultReason.ObjectNotFound, name);
        t.is(server.work.unwraps, 0, name);
        t.true(server.work.queries > 0, name);
        t.true(since <= 201);
      }
      t.deepEqual(seen[0], seen[1], nameOf(operation));
    }
  }
});

test('who has no rights gets nothing, whatever is asked', async (t) => {
  const server = nearServer(t);
  const id = await make(server);
  for (const state of ['blocked', 'pending'] as const) {
    const client = nearClient('default', state);
    for (const { operation } of operations) {
      Object.assign(server.work, { queries: 0, unwraps: 0, changes: 0 });
      const answer = await server.send([asked(operation, id)], { client });
      t.is(find(answer, Tag.ResultStatus)?.value, ResultStatus.OperationFailed, nameOf(operation));
      t.is(server.work.unwraps, 0, nameOf(operation));
      t.is(find(answer, Tag.ResponsePayload), undefined, nameOf(operation));
    }
  }
  const { records } = server.keystore.count();
  await server.send([asked(Operation.Destroy, id)], { client: nearClient('default', 'blocked') });
  t.is(server.keystore.count().records, records);
});

test('every operation on an object says its states, here or where it wants a kind', (t) => {
  const said = [...Object.keys(allowedIn).map((each) => nameOf(Number(each)))];
  const all = [...said, ...Object.keys(allowedOfKind)].sort();
  t.deepEqual(all, onObjects.map(({ operation }) => nameOf(operation)).sort());
});

for (const { operation } of onObjects) {
  const allowed = allowedIn[operation];
  if (allowed === undefined) continue;
  test(`${nameOf(operation)} is let at in its states, refused in all others`, async (t) => {
    const server = nearServer(t);
    for (const state of all) {
      const id = await bring(server, state);
      const answer = await server.send([asked(operation, id)]);
      const status = find(answer, Tag.ResultStatus)?.value;
      const wanted = allowed.includes(state) ? ResultStatus.Success : ResultStatus.OperationFailed;
      t.is(status, wanted, e.nameOf(State, state));
    }
  });
}
