import test from 'ava';
import fc from 'fast-check';
import { foldUsage, holding, remaining, usageKey } from '../../appliance/keystore/usage.ts';
import type { RecordHead } from '../../appliance/keystore/record.ts';

const limit = { instance: 'epoch0.1/0', owner: 'a', total: 1000n };
const nodes = ['a', 'b'] as const;

function record(node: string, seq: number, kind: string, payload: object): RecordHead {
  const common = { cluster: '', epoch: node, lamport: seq, time: 0, prevHash: '' };
  const object = usageKey('object');
  return { ...common, node, seq, kind, object, payload: JSON.stringify(payload) };
}

/** One node's steps: it spends, hands on, or hears what the other one has said so far. */
const step = fc.record({
  node: fc.constantFrom(...nodes),
  act: fc.constantFrom('spend' as const, 'grant' as const, 'hear' as const),
  amount: fc.bigInt({ min: 1n, max: 600n }),
});

/** Plays a schedule; each node knows its own records, and of the other's what it heard. */
function play(steps: readonly { node: string; act: string; amount: bigint }[]): RecordHead[] {
  const known = new Map<string, RecordHead[]>(nodes.map((node) => [node, []]));
  for (const [seq, { node, act, amount }] of steps.entries()) {
    const other = node === 'a' ? 'b' : 'a';
    const mine = known.get(node) ?? [];
    if (act === 'hear') {
      mine.push(...(known.get(other) ?? []).filter((each) => each.node === other));
      continue;
    }
    const folded = foldUsage(mine);
    if (holding(folded, limit, node) < amount) continue;
    const key = act === 'spend' ? node : `${node}>${other}`;
    const all = (folded.get(limit.instance)?.get(key) ?? 0n) + amount;
    const payload = { limit: limit.instance, amount: String(all) };
    mine.push(
      act === 'spend'
        ? record(node, seq, 'usage-spent', payload)
        : record(node, seq, 'usage-granted', { ...payload, to: other }),
    );
  }
  return [...known.values()].flat();
}

test('whatever nodes spend apart from each other, together they keep to the limit', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const spent = foldUsage(play(steps)).get(limit.instance) ?? new Map<string, bigint>();
      return (spent.get('a') ?? 0n) + (spent.get('b') ?? 0n) <= limit.total;
    }),
    { numRuns: 5_000 },
  );
  t.pass();
});

test('records in any order and any number give the same usage', (t) => {
  const shuffled = fc.array(step, { maxLength: 20 }).chain((steps) => {
    const all = play(steps);
    return fc.tuple(
      fc.constant(all),
      fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 }),
    );
  });
  fc.assert(
    fc.property(shuffled, ([all, other]) => {
      const one = foldUsage(all);
      const two = foldUsage(other);
      return (
        remaining(one, limit) === remaining(two, limit) &&
        nodes.every((node) => holding(one, limit, node) === holding(two, limit, node))
      );
    }),
    { numRuns: 2_000 },
  );
  t.pass();
});
