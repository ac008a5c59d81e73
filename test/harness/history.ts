import { generateKeyPairSync } from 'node:crypto';
import type { Kind, Payloads } from '../../appliance/keystore/payload.ts';
import { encodeValue } from '../../appliance/keystore/payload.ts';
import { recordId } from '../../appliance/keystore/record.ts';
import type { RecordHead } from '../../appliance/keystore/record.ts';

/** Choices read off bytes, so that a case that fails shrinks as bytes do; zeros behind the end. */
export class Choices {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Less than `limit`, at most 256. */
  next(limit: number): number {
    return (this.#bytes[this.#at++] ?? 0) % limit;
  }

  of<T>(values: readonly [T, ...T[]]): T {
    return values[this.next(values.length)] ?? values[0];
  }

  /** Some of the values, in their order. */
  some<T>(values: readonly T[]): T[] {
    const mask = this.next(256);
    return values.filter((_, i) => ((mask >> (i % 8)) & 1) === 1);
  }

  /** All of the values in another order (Fisher and Yates). */
  shuffled<T>(values: readonly T[]): T[] {
    const all = [...values];
    for (let i = all.length - 1; i > 0; i--) {
      const j = this.next(i + 1);
      [all[i], all[j]] = [all[j], all[i]] as [T, T];
    }
    return all;
  }
}

/** A node that writes about what it knows. */
export class Author {
  readonly node: string;
  readonly known = new Map<string, RecordHead>();
  #epoch = 0;
  #seq = 0;

  constructor(node: number) {
    this.node = `node${node}`;
  }

  learn(records: Iterable<RecordHead>): void {
    for (const record of records) this.known.set(recordId(record), record);
  }

  restart(): void {
    this.#epoch++;
    this.#seq = 0;
  }

  /** The records it knows of one object, of these kinds. */
  about(object: string, ...kinds: readonly string[]): string[] {
    return [...this.known.values()]
      .filter((record) => record.object === object && kinds.includes(record.kind))
      .map(recordId);
  }

  write<K extends Kind>(kind: K, object: string, payload: Payloads[K], time = 0): RecordHead {
    const lamports = [...this.known.values()].map(({ lamport }) => lamport);
    const record: RecordHead = {
      cluster: 'c'.repeat(32),
      node: this.node,
      epoch: `${this.node}e${this.#epoch}`,
      seq: ++this.#seq,
      lamport: 1 + Math.max(0, ...lamports),
      time: 1_700_000_000 + time,
      prevHash: '',
      kind,
      object,
      payload: JSON.stringify(payload),
    };
    this.learn([record]);
    return record;
  }
}

type Generator<K extends Kind> = (choices: Choices, author: Author, object: string) => Payloads[K];

const text = (value: string): string => encodeValue({ type: 'TextString', value }).toString('hex');
const truth = (value: boolean): string => encodeValue({ type: 'Boolean', value }).toString('hex');
const names = ['x-Name', 'Contact Information', 'Sensitive', 'Extractable', 'Name'] as const;

function valueFor(name: string, choices: Choices): string {
  const restricting = name === 'Sensitive' || name === 'Extractable';
  return restricting ? truth(choices.next(2) === 1) : text(choices.of(['a', 'b', 'c']));
}

const instances = (author: Author, object: string): string[] => [
  ...author.about(object, 'object-created').flatMap((id) => [`${id}/0`, `${id}/1`]),
  ...author.about(object, 'attribute-set'),
];

const one = <T>(choices: Choices, values: readonly T[], otherwise: T): T =>
  choices.of([otherwise, ...values]);

/** The record keys of the three nodes. */
export const recordKeys: Readonly<Record<string, string>> = Object.fromEntries(
  ['node0', 'node1', 'node2'].map((node) => {
    const { publicKey } = generateKeyPairSync('ed25519');
    return [node, publicKey.export({ format: 'der', type: 'spki' }).toString('base64')];
  }),
);

/** A payload of each kind: whatever a node could write that knows what this one knows. */
export const generators: { readonly [K in Kind]: Generator<K> } = {
  'epoch-begun': (choices, author) => {
    author.restart();
    const heads = author.about('o1', 'object-created').map((id) => [id, [1, '']] as const);
    return { heads: Object.fromEntries(choices.some(heads)), recordKey: '', features: [] };
  },
  'member-joined': (choices, _author, object) => ({
    recordKey: recordKeys[object] ?? '',
    transportKey: choices.of(['', 'tk']),
    name: choices.of(['one', 'two']),
    addresses: choices.some(['198.51.100.1:5697', '198.51.100.2:5697']),
  }),
  'member-removed': (choices) => ({
    heads: Object.fromEntries(choices.some(['node0e0', 'node1e0', 'node2e0']).map((e) => [e, 2])),
  }),
  'copy-policy-set': (choices, author, object) => ({
    policy: choices.of(['alone-for', 'refuse', 'alone']),
    seconds: choices.next(3),
    replaces: choices.some(author.about(object, 'copy-policy-set')),
  }),
  'audit-head': (choices) => ({ seq: choices.next(9), hash: '' }),
  'node-healed': (choices) => ({
    why: choices.of(['rollback', 'fork']),
    epoch: 'node0e0',
    common: 1,
    recovered: choices.next(9),
    rewritten: 0,
  }),
  'object-created': (choices) => ({
    group: choices.of(['default', 'other']),
    type: choices.of([2, 4]),
    attributes: choices
      .some(names)
      .map((name, index) => [name, index % 2, valueFor(name, choices)] as const),
    form: '',
    commitment: choices.of([null, 'aa', 'bb']),
  }),
  'attribute-set': (choices, author, object) => {
    const name = choices.of(names);
    const seen = instances(author, object);
    return {
      name,
      index: choices.next(3),
      value: valueFor(name, choices),
      instance: choices.next(2) === 0 ? null : one(choices, seen, 'unknown'),
      replaces: choices.some(seen),
    };
  },
  'attribute-deleted': (choices, author, object) => {
    const seen = instances(author, object);
    return { instance: one(choices, seen, 'unknown'), replaces: choices.some(seen) };
  },
  'date-set': (choices, author, object) => ({
    name: choices.of(['Activation Date', 'Deactivation Date', 'Protect Stop Date']),
    value: choices.next(200),
    replaces: choices.some(author.about(object, 'date-set')),
  }),
  'object-activated': (choices) => ({ date: choices.next(200) }),
  'object-revoked': (choices) => ({
    code: choices.of([1, 2, 6]),
    message: choices.of([null, 'why']),
    date: choices.next(200),
    occurrence: choices.of([null, 7, 70]),
  }),
  'destroy-intended': (choices) => ({ date: choices.next(200), retention: choices.of([9, 99]) }),
  'destroy-cancelled': (choices, author, object) => ({
    intent: one(choices, author.about(object, 'destroy-intended'), 'unknown'),
  }),
  'purge-agreed': (choices, author, object) => ({
    intent: one(choices, author.about(object, 'destroy-intended'), 'unknown'),
    members: choices.of([['node0', 'node1'], ['node0', 'node1', 'node2'], ['node0']]),
  }),
  'retention-set': (choices, author, object) => ({
    seconds: choices.next(100),
    replaces: choices.some(author.about(object, 'retention-set')),
  }),
  'usage-spent': (choices) => ({ limit: 'l', amount: String(choices.next(9)) }),
  'usage-granted': (choices) => ({
    limit: 'l',
    amount: String(choices.next(9)),
    to: choices.of(['node0', 'node1']),
  }),
  'conflict-acknowledged': (choices) => ({ conflict: choices.of(['1', '2']) }),
  'group-made': () => ({}),
  'group-rule-set': (choices, author, object) => ({
    rule: choices.of(['defaults', 'constraints', 'configurers']),
    value: choices.of([null, 'aa', 'bb']),
    replaces: choices.some(author.about(object, 'group-rule-set')),
  }),
  'client-enrolled': (choices) => ({
    name: choices.of(['a', 'b']),
    group: choices.of(['default', 'other']),
    fingerprint: choices.of(['f1', 'f2']),
    certificate: '',
    state: choices.of(['allowed', 'pending']),
  }),
  'client-allowed': (choices, author, object) => ({
    group: choices.of(['default', 'other']),
    replaces: choices.some(author.about(object, 'client-blocked', 'client-allowed')),
  }),
  'client-blocked': () => ({}),
  'administrator-enrolled': (choices) => ({
    name: choices.of(['a', 'b']),
    role: choices.of(['auditor', 'operator', 'officer']),
    fingerprint: choices.of(['f1', 'f2']),
    certificate: '',
  }),
  'administrator-allowed': (choices, author, object) => ({
    role: choices.of(['auditor', 'operator', 'officer']),
    replaces: choices.some(author.about(object, 'administrator-blocked', 'administrator-allowed')),
  }),
  'administrator-blocked': () => ({}),
};

const subjects: { readonly [K in Kind]?: readonly [string, ...string[]] } = {
  'epoch-begun': ['node'],
  'member-joined': ['node0', 'node1', 'node2'],
  'member-removed': ['node1', 'node2'],
  'copy-policy-set': ['cluster'],
  'audit-head': ['node0', 'node1'],
  'node-healed': ['node0', 'node1'],
  'retention-set': ['cluster'],
  'conflict-acknowledged': ['cluster'],
  'usage-spent': ['o1#usage'],
  'usage-granted': ['o1#usage'],
  'group-made': ['default', 'other'],
  'group-rule-set': ['default#rules'],
  'client-enrolled': ['c1', 'c2'],
  'client-allowed': ['c1', 'c2'],
  'client-blocked': ['c1', 'c2'],
  'administrator-enrolled': ['a1', 'a2'],
  'administrator-allowed': ['a1', 'a2'],
  'administrator-blocked': ['a1', 'a2'],
};

/** Lets an author write one record about something, of a kind that the choices pick. */
export function writeAny(
  choices: Choices,
  author: Author,
  kinds = Object.keys(generators) as Kind[],
): RecordHead {
  const kind = choices.of(kinds as [Kind, ...Kind[]]);
  const object = choices.of(subjects[kind] ?? ['o1', 'o2']);
  const payload = (generators[kind] as Generator<Kind>)(choices, author, object);
  return author.write(kind, object, payload, choices.of([0, 5, 90, 2_000_000_000]));
}

const recordsMost = 24;

/**
 * What three nodes wrote that heard of one another now and then: every record's references are to
 * what its author knew. The authors come back too, each with what it came to know.
 */
export function history(
  choices: Choices,
  kinds?: Kind[],
): { readonly records: RecordHead[]; readonly authors: readonly [Author, Author, Author] } {
  const authors = [new Author(0), new Author(1), new Author(2)] as const;
  const records: RecordHead[] = [];
  for (const object of ['o1', 'o2']) {
    const author = authors[choices.next(3)] ?? authors[0];
    const payload = generators['object-created'](choices, author, object);
    records.push(author.write('object-created', object, payload));
  }
  records.push(authors[0].write('client-enrolled', 'c1', { ...enrolled, group: 'default' }));
  while (!choices.ended && records.length < recordsMost) {
    const author = authors[choices.next(3)] ?? authors[0];
    if (choices.next(4) === 0) author.learn((authors[choices.next(3)] ?? author).known.values());
    records.push(writeAny(choices, author, kinds));
  }
  return { records, authors };
}

const enrolled = { name: 'a', fingerprint: 'f1', certificate: '', state: 'allowed' } as const;
