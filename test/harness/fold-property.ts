import fc from 'fast-check';
import { State } from '../../appliance/kmip/enumeration.ts';
import { stateAt } from '../../appliance/kmip/state.ts';
import { foldAdministrators } from '../../appliance/keystore/administrator.ts';
import { foldClient, foldObject, hasAgreed, isBound } from '../../appliance/keystore/fold.ts';
import type { FoldedObject } from '../../appliance/keystore/fold.ts';
import { foldUsage } from '../../appliance/keystore/usage.ts';
import { foldCopyPolicy } from '../../appliance/keystore/copy-policy.ts';
import { Membership } from '../../appliance/keystore/membership.ts';
import type { Member } from '../../appliance/keystore/membership.ts';
import type { Kind } from '../../appliance/keystore/payload.ts';
import { recordId } from '../../appliance/keystore/record.ts';
import type { RecordHead } from '../../appliance/keystore/record.ts';
import { foldGroupRule } from '../../appliance/keystore/group-rule.ts';
import { foldRetention } from '../../appliance/keystore/retention.ts';
import { Author, Choices, generators, history, recordKeys, writeAny } from './history.ts';

/** The whole state that a set of records folds to. */
export interface FoldedState {
  readonly objects: Readonly<Record<string, FoldedObject>>;
  readonly clients: Readonly<Record<string, ReturnType<typeof foldClient>>>;
  readonly administrators: ReturnType<typeof foldAdministrators>;
  readonly groups: readonly string[];
  readonly retention: ReturnType<typeof foldRetention>;
  readonly copies: ReturnType<typeof foldCopyPolicy>;
  readonly rules: readonly ReturnType<typeof foldGroupRule>[];
  readonly members: readonly Member[];
  /** What each node spent or handed on of a limit, in all. */
  readonly usage: readonly (readonly [string, string])[];
}

export function foldAll(records: readonly RecordHead[]): FoldedState {
  const of = (object: string): RecordHead[] => records.filter((each) => each.object === object);
  const objects: Record<string, FoldedObject> = {};
  const clients: Record<string, ReturnType<typeof foldClient>> = {};
  for (const name of ['o1', 'o2']) {
    const object = foldObject(of(name));
    if (object !== undefined) objects[name] = object;
  }
  for (const name of ['c1', 'c2']) {
    const client = foldClient(of(name));
    if (client !== undefined) clients[name] = client;
  }
  const groups = new Set(records.filter(({ kind }) => kind === 'group-made').map((r) => r.object));
  const retention = foldRetention(of('cluster'));
  const copies = foldCopyPolicy(of('cluster'));
  const spent = foldUsage(of('o1#usage')).get('l') ?? new Map<string, bigint>();
  const usage = [...spent].map(([node, amount]) => [node, String(amount)] as const).sort();
  const members = new Membership([anchor], records.filter(isOfMembers)).all();
  const rules = (['defaults', 'constraints', 'configurers'] as const).map((rule) =>
    foldGroupRule(of('default#rules'), rule),
  );
  const administrators = foldAdministrators(
    records.filter(({ kind }) => kind.startsWith('administrator-')),
  );
  const common = {
    administrators,
    groups: [...groups].sort(),
    retention,
    copies,
    rules,
    members,
    usage,
  };
  return { objects, clients, ...common };
}

const anchor = { node: 'node0', recordKey: recordKeys['node0'] ?? '' };
const isOfMembers = ({ kind }: RecordHead): boolean => kind.startsWith('member-');

const bytes = fc.uint8Array({ minLength: 20, maxLength: 160 });
const moments = [0, 5, 95, 250, 3_000_000_000];

function assertAlways(runs: number, holds: (choices: Choices) => boolean): void {
  const property = fc.property(bytes, (drawn) => holds(new Choices(drawn)));
  fc.assert(property, { numRuns: runs });
}

const canonical = (records: readonly RecordHead[]): string => JSON.stringify(foldAll(records));

/** Any order, any repetition. */
export function orderDoesNotMatter(runs: number): void {
  assertAlways(runs, (choices) => {
    const { records } = history(choices);
    const other = choices.shuffled([...records, ...choices.some(records)]);
    return canonical(records) === canonical(other);
  });
}

/** Any two parts that together are the whole, the one joined to the other or the other way. */
export function splitsDoNotMatter(runs: number): void {
  assertAlways(runs, (choices) => {
    const { records } = history(choices);
    const left = choices.some(records);
    const right = records.filter((record) => !left.includes(record) || choices.next(3) === 0);
    const whole = canonical(records);
    return canonical([...left, ...right]) === whole && canonical([...right, ...left]) === whole;
  });
}

function stateOf(object: FoldedObject, now: number): State {
  const { activated, deactivated, compromised, intents, purged, dates } = object;
  const activation = dates['Activation Date']?.value;
  const deactivation = dates['Deactivation Date']?.value;
  const life = {
    ...(activation === undefined ? {} : { activationDate: activation }),
    ...(deactivation === undefined ? {} : { deactivationDate: deactivation }),
    activated,
    deactivated,
    compromised,
    destroyed: purged || intents.length > 0,
  };
  return stateAt(life, now);
}

const { PreActive, Active, Deactivated, Compromised, Destroyed, DestroyedCompromised } = State;

/** How far along its life an object is; Compromised stands beside it, as a bit of its own. */
const rank: Readonly<Record<State, number>> = {
  [PreActive]: 0,
  [Active]: 1,
  [Deactivated]: 2,
  [Compromised]: 2,
  [Destroyed]: 3,
  [DestroyedCompromised]: 3,
};

/**
 * Whoever learns records one by one never sees a state go back or an object vanish, but for the
 * two things that a person says by name: that an intent is cancelled, that a date is another.
 */
export function statesNeverGoBack(runs: number): void {
  const kinds = Object.keys(generators) as Kind[];
  const named = ['destroy-cancelled', 'date-set'];
  const without = kinds.filter((kind) => !named.includes(kind));
  assertAlways(runs, (choices) => {
    const undoing = choices.next(3) === 0;
    const { records } = history(choices, undoing ? kinds : without);
    const learnt: RecordHead[] = [];
    let before = foldAll(learnt);
    for (const record of choices.shuffled(records)) {
      learnt.push(record);
      const after = foldAll(learnt);
      if (!isLater(before, after, undoing, record)) return false;
      before = after;
    }
    return true;
  });
}

function isLater(
  before: FoldedState,
  after: FoldedState,
  undoing: boolean,
  { kind }: RecordHead,
): boolean {
  return (
    before.members.every(({ node, removed }) =>
      after.members.some((other) => other.node === node && (other.removed || !removed)),
    ) &&
    before.usage.every(([node, amount]) =>
      after.usage.some(([other, more]) => other === node && Number(more) >= Number(amount)),
    ) &&
    before.groups.every((group) => after.groups.includes(group)) &&
    Object.keys(before.clients).every((id) => after.clients[id] !== undefined) &&
    Object.entries(before.objects).every(([id, object]) => {
      const now = after.objects[id];
      if (now === undefined) return false;
      // Only by somebody's cancelling whom those that agreed did not have in mind.
      if (object.purged && !now.purged && kind !== 'destroy-cancelled') return false;
      if (object.compromised && !now.compromised) return false;
      if ((object.activated && !now.activated) || (object.deactivated && !now.deactivated)) {
        return false;
      }
      return undoing || moments.every((at) => rank[stateOf(now, at)] >= rank[stateOf(object, at)]);
    })
  );
}

const restricting: readonly {
  readonly write: (author: Author) => RecordHead;
  readonly holds: (state: FoldedState, record: RecordHead) => boolean;
}[] = [
  {
    write: (author) => author.write('client-blocked', 'c1', {}),
    holds: ({ clients }) => clients['c1']?.state === 'blocked',
  },
  {
    write: (author) => {
      const payload = { code: 2, message: null, date: 1, occurrence: null };
      return author.write('object-revoked', 'o1', payload);
    },
    holds: ({ objects }) => objects['o1']?.compromised === true,
  },
  {
    write: (author) => {
      const payload = { code: 6, message: null, date: 4_000_000_000, occurrence: null };
      return author.write('object-revoked', 'o1', payload);
    },
    holds: ({ objects: { o1 } }) => o1 !== undefined && rank[stateOf(o1, 100)] >= 2,
  },
  {
    write: (author) => author.write('destroy-intended', 'o1', { date: 1, retention: 9 }),
    holds: ({ objects: { o1 } }) => o1 !== undefined && rank[stateOf(o1, 0)] === 3,
  },
  {
    write: (author) => author.write('retention-set', 'cluster', { seconds: 1000, replaces: [] }),
    holds: ({ retention }) => retention.seconds === 1000,
  },
  {
    write: (author) => {
      const payload = { policy: 'refuse', seconds: 0, replaces: [] } as const;
      return author.write('copy-policy-set', 'cluster', payload);
    },
    holds: ({ copies }) => copies.policy === 'refuse',
  },
  {
    write: (author) => author.write('member-removed', 'node0', { heads: {} }),
    holds: ({ members }) => members.some(({ node, removed }) => node === 'node0' && removed),
  },
];

/** What one node restricts holds, whatever another that has not heard of it says meanwhile. */
export function restrictionsHold(runs: number): void {
  assertAlways(runs, (choices) => {
    const { records, authors } = history(choices);
    const [one, other] = authors;
    one.learn(records);
    other.learn(records);
    const restriction = restricting[choices.next(restricting.length)] ?? restricting[0];
    const said = restriction?.write(one);
    if (restriction === undefined || said === undefined) return false;
    const meanwhile = Array.from({ length: 1 + choices.next(5) }, () => writeAny(choices, other));
    return restriction.holds(foldAll([...records, ...meanwhile, said]), said);
  });
}

/**
 * An attribute is there as long as one of its statements was not named by a record that replaced
 * it; every statement that does not hold is named as a conflict.
 */
export function nothingIsDroppedUnseen(runs: number): void {
  const kinds: Kind[] = ['attribute-set', 'attribute-deleted', 'object-created'];
  assertAlways(runs, (choices) => {
    const { records } = history(choices, kinds);
    return Object.entries(foldAll(records).objects).every(([id, object]) => {
      const own = records.filter((record) => record.object === id);
      const named = new Set(object.conflicts.map(({ record }) => record));
      for (const { heads, value } of object.attributes) {
        const others = heads.filter((head) => valueIn(own, head) !== value);
        if (others.some((head) => !named.has(head))) return false;
        for (const head of heads) named.add(head);
      }
      return liveStatements(own, object).every((statement) => named.has(statement));
    });
  });
}

interface AnyPayload {
  readonly value?: string;
  readonly instance?: string | null;
  readonly replaces?: readonly string[];
  readonly attributes?: readonly (readonly [string, number, string])[];
}

function payloadOf(record: RecordHead | undefined): AnyPayload {
  return JSON.parse(record?.payload ?? '{}') as AnyPayload;
}

function valueIn(records: readonly RecordHead[], statement: string): string | undefined {
  const [id, index] = statement.split('/');
  const payload = payloadOf(records.find((record) => recordId(record) === id));
  if (index === undefined) return payload.value;
  return payload.attributes?.[Number(index)]?.[2];
}

/** By the plain words of the rule, apart from how the fold goes about it. */
function liveStatements(records: readonly RecordHead[], object: FoldedObject): string[] {
  const named = new Set(records.flatMap((record) => payloadOf(record).replaces ?? []));
  const creations = records.filter(({ kind }) => kind === 'object-created');
  const losing = new Set(object.conflicts.map(({ record }) => record));
  const creation = creations.find((record) => !losing.has(recordId(record)));
  const attributes = payloadOf(creation).attributes ?? [];
  const own = creation === undefined ? [] : attributes.map((_, i) => `${recordId(creation)}/${i}`);
  const settings = records.filter(({ kind }) => kind === 'attribute-set');
  const added = settings.filter((record) => payloadOf(record).instance === null).map(recordId);
  const instances = new Set([...own, ...added]);
  const modified = settings
    .filter((record) => instances.has(payloadOf(record).instance ?? ''))
    .map(recordId);
  return [...own, ...added, ...modified].filter((statement) => !named.has(statement));
}

/**
 * No purge without the word of every member, however many agree beside it, nor where somebody
 * cancelled whom those members did not have in mind.
 */
export function purgesAreUnanimous(runs: number): void {
  const kinds: Kind[] = ['destroy-intended', 'destroy-cancelled', 'purge-agreed', 'object-created'];
  assertAlways(runs, (choices) => {
    const { records } = history(choices, kinds);
    return Object.entries(foldAll(records).objects).every(([id, { purged }]) => {
      const own = records.filter((record) => record.object === id);
      const intents = own.filter(({ kind }) => kind === 'destroy-intended').map(recordId);
      const words = own
        .filter(({ kind }) => kind === 'purge-agreed')
        .map((record) => ({ node: record.node, ...(payloadOf(record) as unknown as Word) }));
      const cancelling = own
        .filter(({ kind }) => kind === 'destroy-cancelled')
        .map((record) => ({ node: record.node, ...(payloadOf(record) as unknown as Word) }));
      const unanimous = words.some(
        ({ intent, members, node }) =>
          intents.includes(intent) &&
          members.includes(node) &&
          cancelling.every((each) => each.intent !== intent || members.includes(each.node)) &&
          members.every((member) =>
            words.some(
              (word) =>
                word.node === member &&
                word.intent === intent &&
                JSON.stringify(word.members) === JSON.stringify(members),
            ),
          ),
      );
      return purged === unanimous;
    });
  });
}

interface Word {
  readonly intent: string;
  readonly members: readonly string[];
}

/**
 * Nodes that keep to the rules (no word for what is cancelled, no cancelling by who is bound) never
 * purge what one of them has taken back, in whatever order they hear of one another: not even where
 * a backup made a node of its own, which has nobody but itself in mind.
 */
export function nothingTakenBackIsPurged(runs: number): void {
  assertAlways(runs, (choices) => {
    const pair = 2 + choices.next(2);
    const authors = [0, 1, 2, 3].slice(0, pair + choices.next(2)).map((node) => new Author(node));
    const [first] = authors as [Author, ...Author[]];
    const payload = generators['object-created'](choices, first, 'o1');
    const created = first.write('object-created', 'o1', payload);
    for (const author of authors) author.learn([created]);
    const together = authors.slice(0, pair).map(({ node }) => node);
    const inMind = ({ node }: Author): string[] => (together.includes(node) ? together : [node]);
    while (!choices.ended) {
      const author = choices.of(authors as [Author, ...Author[]]);
      const intents = foldObject(author.known.values())?.intents ?? [];
      const intent = intents[choices.next(Math.max(1, intents.length))];
      const act = choices.next(4);
      if (act === 0 && intent === undefined) {
        author.write('destroy-intended', 'o1', { date: 1, retention: 9 });
      } else if (act === 1 && intent !== undefined) {
        const { record, words } = intent;
        const members = inMind(author);
        if (hasAgreed(author.node, members, words)) continue;
        author.write('purge-agreed', 'o1', { intent: record, members });
      } else if (act === 2 && intent !== undefined) {
        if (isBound(author.node, intent)) continue;
        author.write('destroy-cancelled', 'o1', { intent: intent.record });
      } else {
        author.learn(choices.of(authors as [Author, ...Author[]]).known.values());
      }
    }
    for (const author of authors) first.learn(author.known.values());
    const conflicts = foldObject(first.known.values())?.conflicts ?? [];
    return conflicts.every(({ about }) => about !== 'purge');
  });
}
