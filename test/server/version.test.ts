import test from 'ava';
import * as e from '../../appliance/kmip/enumeration.ts';
import { Operation, ResultReason, ResultStatus } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { find, findAll, textOf } from '../conformance/scene.ts';
import { until } from '../harness/appliance.ts';
import { nearClient, nearServer } from '../harness/near-server.ts';
import type { Asked } from '../harness/near-server.ts';

const structure = (tag: number, ...value: Item[]): Item => ({ tag, type: 'Structure', value });
const enumeration = (tag: number, value: number): Item => ({ tag, type: 'Enumeration', value });
const text = (tag: number, value: string): Item => ({ tag, type: 'TextString', value });

const create: Asked = {
  operation: Operation.Create,
  payload: [
    enumeration(Tag.ObjectType, e.ObjectType.SymmetricKey),
    structure(
      Tag.Attributes,
      enumeration(Tag.CryptographicAlgorithm, e.CryptographicAlgorithm.AES),
      { tag: Tag.CryptographicLength, type: 'Integer', value: 128 },
      { tag: Tag.CryptographicUsageMask, type: 'Integer', value: 12 },
      structure(
        Tag.Attribute,
        text(Tag.VendorIdentification, 'acme'),
        text(Tag.AttributeName, 'Rack'),
        text(Tag.AttributeValue, '7'),
      ),
      structure(
        Tag.Attribute,
        text(Tag.VendorIdentification, 'x'),
        text(Tag.AttributeName, 'Product'),
        text(Tag.AttributeValue, 'box'),
      ),
    ),
  ],
};
const of = (operation: number, ...payload: Item[]): Asked => ({ operation, payload });
const placeholder = enumeration(Tag.UniqueIdentifier, e.UniqueIdentifierEnumeration.IDPlaceholder);

test('2.x: an identifier may be the placeholder, an operation’s, or a number', async (t) => {
  const { send } = nearServer(t);
  const created = enumeration(Tag.UniqueIdentifier, e.UniqueIdentifierEnumeration.Create);
  const number: Item = { tag: Tag.UniqueIdentifier, type: 'Integer', value: 0 };
  const answer = await send([
    create,
    of(Operation.Activate, placeholder),
    of(Operation.GetAttributeList, created),
    of(Operation.Get, number),
  ]);
  t.is(findAll(answer, Tag.ResultStatus).length, 4);
  const identifiers = new Set(findAll(answer, Tag.UniqueIdentifier).map(textOf));
  t.is(identifiers.size, 1);
  const alone = await send([of(Operation.Get, created)]);
  t.is(find(alone, Tag.ResultReason)?.value, ResultReason.ObjectNotFound);
  const old = await send([of(Operation.Get, placeholder)], { version: 104 });
  t.is(find(old, Tag.ResultReason)?.value, ResultReason.InvalidMessage);
});

test('1.x does not know vendors’ attributes, but for those of "x"', async (t) => {
  const { send } = nearServer(t);
  const made = await send([create]);
  const id = text(Tag.UniqueIdentifier, textOf(find(made, Tag.UniqueIdentifier) ?? placeholder));
  const now = await send([of(Operation.GetAttributes, id)]);
  const names = findAll(now, Tag.AttributeName).map(textOf);
  t.deepEqual(names.toSorted(), ['Product', 'Rack']);
  const before = await send([of(Operation.GetAttributes, id)], { version: 104 });
  const custom = findAll(before, Tag.AttributeName)
    .map(textOf)
    .filter((name) => /^\W|^x-/.test(name));
  t.deepEqual(custom, ['x-Product']);
  t.is(find(before, Tag.Attributes), undefined);
  t.is(find(now, Tag.AttributeIndex), undefined);
});

test('2.x: what 1.x alone has is refused, and what 2.x alone has by 1.x', async (t) => {
  const { send } = nearServer(t);
  const template = of(
    Operation.Create,
    enumeration(Tag.ObjectType, 2),
    structure(Tag.TemplateAttribute),
  );
  const refused = await send([template]);
  t.is(find(refused, Tag.ResultReason)?.value, ResultReason.InvalidField);
  const late = await send([create], { version: 104 });
  t.is(find(late, Tag.ResultReason)?.value, ResultReason.InvalidField);
  const set = await send([of(Operation.SetAttribute)], { version: 104 });
  t.is(find(set, Tag.ResultReason)?.value, ResultReason.OperationNotSupported);
});

test('2.x: the attributes that an instance is named by', async (t) => {
  const { send } = nearServer(t);
  const made = await send([create]);
  const id = text(Tag.UniqueIdentifier, textOf(find(made, Tag.UniqueIdentifier) ?? placeholder));
  const group = (tag: number, name: string): Item => structure(tag, text(Tag.ObjectGroup, name));
  const name = (tag: number, value: string): Item =>
    structure(
      tag,
      structure(
        Tag.Name,
        text(Tag.NameValue, value),
        enumeration(Tag.NameType, e.NameType.UninterpretedTextString),
      ),
    );
  const reasonOf = async (...payload: Item[]): Promise<unknown> => {
    const [operation, ...rest] = payload;
    const code = operation?.type === 'Enumeration' ? operation.value : 0;
    return find(await send([of(code, id, ...rest)]), Tag.ResultReason)?.value;
  };
  const op = (operation: number): Item => enumeration(Tag.Operation, operation);
  t.is(await reasonOf(op(Operation.AddAttribute), name(Tag.NewAttribute, 'one')), undefined);
  t.is(await reasonOf(op(Operation.AddAttribute), name(Tag.NewAttribute, 'two')), undefined);
  t.is(
    await reasonOf(op(Operation.AddAttribute), name(Tag.NewAttribute, 'two')),
    ResultReason.NonUniqueNameAttribute,
  );
  const modify = op(Operation.ModifyAttribute);
  const named = [name(Tag.CurrentAttribute, 'two'), name(Tag.NewAttribute, 'three')] as const;
  t.is(await reasonOf(modify, ...named), undefined);
  t.is(await reasonOf(modify, ...named), ResultReason.AttributeInstanceNotFound);
  t.is(await reasonOf(modify, group(Tag.NewAttribute, 'g')), ResultReason.AttributeNotFound);
  const remove = op(Operation.DeleteAttribute);
  t.is(await reasonOf(remove, name(Tag.CurrentAttribute, 'three')), undefined);
  const all = enumeration(Tag.AttributeReference, Tag.Name);
  t.is(await reasonOf(remove, all), undefined);
  t.is(await reasonOf(remove, all), ResultReason.AttributeNotFound);
  const state = enumeration(Tag.AttributeReference, Tag.State);
  t.is(await reasonOf(remove, state), ResultReason.AttributeReadOnly);
  const set = op(Operation.SetAttribute);
  t.is(await reasonOf(set, name(Tag.NewAttribute, 'x')), ResultReason.MultiValuedAttribute);
});

test('2.x: who insists on a later answer polls for it, and nobody else can', async (t) => {
  const { send } = nearServer(t);
  const mandatory = enumeration(Tag.AsynchronousIndicator, e.AsynchronousIndicator.Mandatory);
  const begun = await send([create], { header: [mandatory] });
  t.is(find(begun, Tag.ResultStatus)?.value, ResultStatus.OperationPending);
  const value = find(begun, Tag.AsynchronousCorrelationValue);
  t.truthy(value);
  if (value === undefined) return;
  const client = nearClient('others');
  const theirs = await send([of(Operation.Poll, value)], { client });
  const reason = ResultReason.InvalidAsynchronousCorrelationValue;
  t.is(find(theirs, Tag.ResultReason)?.value, reason);
  let answer: Item | undefined;
  await until('an answer', async () => {
    answer = await send([of(Operation.Poll, value)]);
    return find(answer, Tag.ResultStatus)?.value !== ResultStatus.OperationPending;
  });
  t.is(answer && find(answer, Tag.Operation)?.value, Operation.Create);
  t.truthy(answer && find(answer, Tag.UniqueIdentifier));
  // An answer is given once.
  t.is(find(await send([of(Operation.Poll, value)]), Tag.ResultReason)?.value, reason);
  const older = await send([of(Operation.Poll, value)], { version: 104 });
  t.is(find(older, Tag.ResultReason)?.value, ResultReason.ItemNotFound);
});

const one = (name: string, value: Item): Item =>
  structure(Tag.Attribute, text(Tag.AttributeName, name), { ...value, tag: Tag.AttributeValue });
const create1 = of(
  Operation.Create,
  enumeration(Tag.ObjectType, e.ObjectType.SymmetricKey),
  structure(
    Tag.TemplateAttribute,
    one('Cryptographic Algorithm', enumeration(0, e.CryptographicAlgorithm.AES)),
    one('Cryptographic Length', { tag: 0, type: 'Integer', value: 128 }),
    one('Cryptographic Usage Mask', { tag: 0, type: 'Integer', value: 12 }),
  ),
);

test('1.x: who takes a later answer gets one where the other copy takes its time', async (t) => {
  const server = nearServer(t, { patience: 10 });
  const version = 104;
  const flag: Item = { tag: Tag.AsynchronousIndicator, type: 'Boolean', value: true };
  const soon = await server.send([of(Operation.Query)], { version, header: [flag] });
  t.is(find(soon, Tag.ResultStatus)?.value, ResultStatus.Success);
  let arrive: () => void = () => undefined;
  const copied = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  server.keystore.guard = { admit: () => undefined, confirm: () => copied };
  const begun = await server.send([create1], { version, header: [flag] });
  t.is(find(begun, Tag.ResultStatus)?.value, ResultStatus.OperationPending);
  const value = find(begun, Tag.AsynchronousCorrelationValue);
  if (value === undefined) return t.fail();
  const waiting = await server.send([of(Operation.Poll, value)], { version });
  t.is(find(waiting, Tag.ResultStatus)?.value, ResultStatus.OperationPending);
  const cancelled = await server.send([of(Operation.Cancel, value)], { version });
  const { UnableToCancel } = e.CancellationResult;
  t.is(find(cancelled, Tag.CancellationResult)?.value, UnableToCancel);
  arrive();
  let answer: Item | undefined;
  await until('an answer', async () => {
    answer = await server.send([of(Operation.Poll, value)], { version });
    return find(answer, Tag.ResultStatus)?.value !== ResultStatus.OperationPending;
  });
  t.truthy(answer && find(answer, Tag.UniqueIdentifier));
});

test('2.1: Process is answered once an operation is done', async (t) => {
  const { send } = nearServer(t);
  const mandatory = enumeration(Tag.AsynchronousIndicator, e.AsynchronousIndicator.Mandatory);
  const begun = await send([create], { header: [mandatory] });
  const value = find(begun, Tag.AsynchronousCorrelationValue);
  if (value === undefined) return t.fail();
  const theirs = await send([of(Operation.Process, value)], { client: nearClient('others') });
  const reason = ResultReason.InvalidAsynchronousCorrelationValue;
  t.is(find(theirs, Tag.ResultReason)?.value, reason);
  // It is not put off itself, whatever the client insists on.
  const done = await send([of(Operation.Process, value)], { header: [mandatory] });
  t.is(find(done, Tag.ResultStatus)?.value, ResultStatus.Success);
  const answer = await send([of(Operation.Poll, value)]);
  t.is(find(answer, Tag.ResultStatus)?.value, ResultStatus.Success);
  t.truthy(find(answer, Tag.UniqueIdentifier));
});

test('Cancel says what became of an operation', async (t) => {
  const { send } = nearServer(t);
  const mandatory = enumeration(Tag.AsynchronousIndicator, e.AsynchronousIndicator.Mandatory);
  const begun = await send([create], { header: [mandatory] });
  const value = find(begun, Tag.AsynchronousCorrelationValue);
  if (value === undefined) {
    t.fail();
    return;
  }
  let result: unknown;
  await until('the end', async () => {
    result = find(await send([of(Operation.Cancel, value)]), Tag.CancellationResult)?.value;
    return result !== e.CancellationResult.UnableToCancel;
  });
  t.is(result, e.CancellationResult.Completed);
});
