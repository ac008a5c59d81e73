import test from 'ava';
import fc from 'fast-check';
import { State } from '../../appliance/kmip/enumeration.ts';
import { stateAt } from '../../appliance/kmip/state.ts';
import { foldClient, foldObject } from '../../appliance/keystore/fold.ts';
import type { FoldedObject } from '../../appliance/keystore/fold.ts';
import { recordId } from '../../appliance/keystore/record.ts';
import type { RecordHead } from '../../appliance/keystore/record.ts';

const object = '11111111-2222-4333-8444-555555555555';

function head(node: number, seq: number, kind: string, payload: object): RecordHead {
  return {
    cluster: 'c'.repeat(32),
    node: `node${node}`,
    epoch: `epoch${node}`,
    seq,
    lamport: seq,
    time: 1_700_000_000 + seq,
    prevHash: '',
    kind,
    object,
    payload: JSON.stringify(payload),
  };
}

const creation = head(0, 1, 'object-created', {
  group: 'default',
  type: 2,
  attributes: [['x-Name', 0, '42']],
  form: '',
  commitment: null,
});

const instance = fc.constantFrom('epoch0.1/0', 'epoch0.3', 'epoch1.2', 'epoch1.4');
const fact = fc.oneof(
  fc.record({ date: fc.nat(1000) }).map((payload) => ['object-activated', payload] as const),
  fc
    .record({
      code: fc.constantFrom(1, 2, 6),
      message: fc.constant(null),
      date: fc.nat(1000),
      occurrence: fc.option(fc.nat(1000)),
    })
    .map((payload) => ['object-revoked', payload] as const),
  fc.record({ date: fc.nat(1000) }).map((payload) => ['destroy-intended', payload] as const),
  fc.record({ intent: instance }).map((payload) => ['destroy-cancelled', payload] as const),
  fc
    .record({
      name: fc.constantFrom('x-Name', 'Contact Information'),
      index: fc.nat(2),
      value: fc.constantFrom('42', '43', '44'),
      instance: fc.option(instance),
    })
    .map((payload) => ['attribute-set', payload] as const),
  fc.record({ instance }).map((payload) => ['attribute-deleted', payload] as const),
  fc
    .record({
      name: fc.constantFrom('Deactivation Date', 'Protect Stop Date'),
      value: fc.nat(1000),
      replaces: fc.array(instance, { maxLength: 2 }),
    })
    .map((payload) => ['date-set', payload] as const),
);

/** Two nodes that each wrote a chain of facts of their own about one object. */
const records = fc
  .tuple(fc.array(fact, { maxLength: 6 }), fc.array(fact, { maxLength: 6 }))
  .map((chains) => [
    creation,
    ...chains.flatMap((facts, node) =>
      facts.map(([kind, payload], i) => head(node, i + 2, kind, payload)),
    ),
  ]);

const canonical = (folded: FoldedObject | undefined): string => JSON.stringify(folded);

test('any order and any repetition of the same records fold to the same state', (t) => {
  const shuffled = records.chain((all) =>
    fc.tuple(
      fc.constant(all),
      fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 }),
    ),
  );
  fc.assert(
    fc.property(
      shuffled,
      ([all, other]) => canonical(foldObject(all)) === canonical(foldObject(other)),
    ),
    { numRuns: 20_000 },
  );
  t.pass();
});

test('states never go back, and no object vanishes, when records are added', (t) => {
  const order = [State.PreActive, State.Active, State.Deactivated];
  const rank = (folded: FoldedObject): number => {
    const activation = folded.dates['Activation Date']?.value;
    const deactivation = folded.dates['Deactivation Date']?.value;
    const life = {
      ...(activation === undefined ? {} : { activationDate: activation }),
      ...(deactivation === undefined ? {} : { deactivationDate: deactivation }),
      compromised: false,
      destroyed: false,
    };
    return order.findIndex((state) => state === stateAt(life, 2000));
  };
  const monotone = records.map((all) =>
    all.filter(({ kind }) => kind !== 'destroy-cancelled' && kind !== 'date-set'),
  );
  fc.assert(
    fc.property(monotone, fc.nat(), (all, cut) => {
      const fewer = foldObject(all.slice(0, 1 + (cut % all.length)));
      const more = foldObject(all);
      if (fewer === undefined || more === undefined) return false;
      return (
        rank(more) >= rank(fewer) &&
        (!fewer.compromised || more.compromised) &&
        more.intents.length >= fewer.intents.length
      );
    }),
    { numRuns: 5_000 },
  );
  t.pass();
});

test('a second creation under one identifier is kept as a conflict and never served', (t) => {
  const second = { ...creation, node: 'node9', epoch: 'epoch9', payload: creation.payload };
  const folded = foldObject([second, creation]);
  t.deepEqual(folded?.conflicts, [recordId(second)]);
  t.deepEqual(folded, foldObject([creation, second]));
});

test('a block that an allowing record did not see holds', (t) => {
  const enrolled = head(0, 1, 'client-enrolled', {
    name: 'c',
    group: 'g',
    fingerprint: 'f',
    certificate: 'p',
    state: 'allowed',
  });
  const block = head(0, 2, 'client-blocked', {});
  const other = head(1, 2, 'client-blocked', {});
  const allow = head(0, 3, 'client-allowed', { group: 'g', replaces: [recordId(block)] });
  t.is(foldClient([enrolled, block])?.state, 'blocked');
  t.is(foldClient([enrolled, block, allow])?.state, 'allowed');
  t.is(foldClient([allow, other, block, enrolled])?.state, 'blocked');
});
