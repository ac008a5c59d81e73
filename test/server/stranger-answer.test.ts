import { randomUUID } from 'node:crypto';
import test from 'ava';
import { nameOf, Operation } from '../../appliance/kmip/enumeration.ts';
import { operations } from '../../appliance/operation/index.ts';
import { encode } from '../../appliance/ttlv/encode.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { Asker } from '../conformance/error/asker.ts';
import type { Given, OperationName, Outcome } from '../conformance/error/asker.ts';
import * as fit from '../conformance/error/fitting.ts';
import { bytes, enumerated, id, integer, struct, text } from '../harness/operations.ts';
import { nearClient, nearNow, nearServer } from '../harness/near-server.ts';
import type { NearServer } from '../harness/near-server.ts';

/**
 * Another group's object cannot be told from one that does not exist: in every version, wherever a
 * request names an object, both are answered with the same bytes after the same work.
 */
const versions = [100, 101, 102, 103, 104, 200, 201] as const;

const success = (): string => 'Success';
const noWrappingKey = (version: number): string =>
  version < 200 ? 'ItemNotFound' : 'WrappingObjectNotFound';
const notFound = (version: number): string => (version < 200 ? 'ItemNotFound' : 'ObjectNotFound');

interface World {
  readonly owner: Asker;
  readonly stranger: Asker;
  /** Asks as the stranger; gives the answer's bytes with the work that it took. */
  readonly watched: (act: () => Promise<Outcome>) => Promise<object>;
}

function worldOf(server: NearServer, version: number): World {
  let last: Item | undefined;
  const asker = (group: string): Asker =>
    new Asker(version, nearNow, async (message) => {
      last = await server.exchange(message, nearClient(group));
      return last;
    });
  const watched: World['watched'] = async (act) => {
    Object.assign(server.work, { queries: 0, unwraps: 0, changes: 0 });
    const { reason, payload } = await act();
    const answer = last === undefined ? '' : encode(last).toString('hex');
    // What is made bears an identifier of its own.
    const isMade = reason === 'Success' && payload.length > 0;
    return { reason, ...(isMade ? {} : { answer }), ...server.work };
  };
  return { owner: asker('default'), stranger: asker('others'), watched };
}

const onObjects = operations.filter(({ policy }) => policy.target === 'object');

test('an operation on it, in every version', async (t) => {
  for (const version of versions) {
    const server = nearServer(t);
    const { owner, stranger, watched } = worldOf(server, version);
    for (const { operation, since } of onObjects.filter((each) => each.since <= version)) {
      const name = nameOf(Operation, operation) as OperationName;
      const theirs = await fit.fitting(owner, name);
      const nobodys = theirs.map(() => randomUUID());
      const seen = [];
      for (const ids of [theirs, nobodys]) {
        const payload = fit.requestOn(stranger, name, ids);
        seen.push(await watched(() => stranger.ask(name, payload)));
      }
      t.deepEqual(seen[0], seen[1], `${name} in ${version}`);
      t.like(
        seen[0],
        { reason: notFound(version), unwraps: 0 },
        `${name} in ${version}, since ${since}`,
      );
    }
  }
});

const wrappedBy = (key: string): Item =>
  struct(
    'KeyWrappingSpecification',
    enumerated('WrappingMethod', 1),
    struct('EncryptionKeyInformation', id(key)),
  );

/** A symmetric key as it would be under a wrapping key. */
const wrappedUnder = (key: string): Item =>
  struct(
    'SymmetricKey',
    struct(
      'KeyBlock',
      enumerated('KeyFormatType', 1),
      bytes('KeyValue', '00'.repeat(40)),
      enumerated('CryptographicAlgorithm', 3),
      integer('CryptographicLength', 256),
      struct(
        'KeyWrappingData',
        enumerated('WrappingMethod', 1),
        struct(
          'EncryptionKeyInformation',
          id(key),
          struct('CryptographicParameters', enumerated('BlockCipherMode', 0x0d)),
        ),
      ),
    ),
  );

interface Reference {
  readonly since: number;
  readonly until?: number;
  /** The reason that both are answered with, where it is not that there is no such object. */
  readonly wanted?: (version: number) => string;
  /** Their object that the request names; a key that may be used for everything unless said. */
  readonly theirs?: (owner: Asker) => Promise<string>;
  /** `own`: a key of the stranger's; the request names what it does not see beside it. */
  readonly ask: (stranger: Asker, named: string, own: string) => Promise<Outcome>;
}

const link = (named: string): Given[1] =>
  struct('Link', enumerated('LinkType', 0x104), text('LinkedObjectIdentifier', named));

/** Everywhere else that a request names an object. */
const references: Readonly<Record<string, Reference>> = {
  'the key that wraps what Get gives': {
    since: 100,
    wanted: noWrappingKey,
    ask: (stranger, named, own) => stranger.ask('Get', [id(own), wrappedBy(named)]),
  },
  'the key that wraps what Export gives': {
    since: 104,
    wanted: noWrappingKey,
    ask: (stranger, named, own) => stranger.ask('Export', [id(own), wrappedBy(named)]),
  },
  'the key that unwraps an import': {
    since: 104,
    wanted: noWrappingKey,
    ask: (stranger, named) =>
      stranger.ask('Import', [
        id(randomUUID()),
        enumerated('ObjectType', 2),
        enumerated('KeyWrapType', 1),
        ...(stranger.isOld
          ? stranger.list([fit.usage(12)])
          : [stranger.with('TemplateAttribute', fit.usage(12))]),
        wrappedUnder(named),
      ]),
  },
  'an input of Derive Key': {
    since: 100,
    ask: (stranger, named, own) =>
      stranger.ask('DeriveKey', fit.requestOn(stranger, 'DeriveKey', [own, named])),
  },
  'a part of a split key': {
    since: 102,
    ask: (stranger, named, own) =>
      stranger.ask('JoinSplitKey', fit.requestOn(stranger, 'JoinSplitKey', [own, named])),
  },
  'a certificate of a list': {
    since: 100,
    theirs: async (owner) => (await fit.fitting(owner, 'Validate'))[0] ?? '',
    ask: (stranger, named, own) => stranger.ask('Validate', [id(named), id(own)]),
  },
  'a link': {
    since: 100,
    wanted: success,
    ask: (stranger, named) =>
      stranger.ask('Create', fit.requestOn(stranger, 'Create', [], [['Link', link(named)]])),
  },
  'what Locate looks for': {
    since: 100,
    wanted: success,
    ask: (stranger, named) =>
      stranger.ask(
        'Locate',
        fit.requestOn(stranger, 'Locate', [], [['Unique Identifier', id(named)]]),
      ),
  },
  'a template': {
    since: 100,
    until: 104,
    theirs: async (owner) => {
      await fit.template(owner, 'their template');
      return 'their template';
    },
    ask: (stranger, named) =>
      stranger.ask('Create', [
        enumerated('ObjectType', 2),
        struct(
          'TemplateAttribute',
          struct('Name', text('NameValue', named), enumerated('NameType', 1)),
          ...stranger.list(fit.keyAttributes()),
        ),
      ]),
  },
  'a name that is taken': {
    since: 100,
    wanted: success,
    theirs: async (owner) => {
      await fit.key(owner, fit.called('their name'));
      return 'their name';
    },
    ask: (stranger, named) =>
      stranger.ask('Create', fit.requestOn(stranger, 'Create', [], [fit.called(named)])),
  },
  'the identifier of an import': {
    since: 104,
    wanted: success,
    ask: (stranger, named) => stranger.ask('Import', fit.requestOn(stranger, 'Import', [named])),
  },
  'the objects of a ticket': {
    since: 200,
    wanted: success,
    ask: (stranger, named) =>
      stranger.ask('DelegatedLogin', [
        struct('Rights', struct('Right', struct('Objects', id(named)))),
      ]),
  },
};

for (const [
  what,
  { since, until = 999, wanted = notFound, theirs = fit.key, ask },
] of Object.entries(references)) {
  test(`as ${what}`, async (t) => {
    for (const version of versions.filter((each) => each >= since && each <= until)) {
      const { owner, stranger, watched } = worldOf(nearServer(t), version);
      const own = await fit.key(stranger, fit.activeSince(stranger));
      const seen = [];
      for (const named of [await theirs(owner), randomUUID()]) {
        seen.push(await watched(() => ask(stranger, named, own)));
      }
      t.deepEqual(seen[0], seen[1], `in ${version}`);
      t.like(seen[0], { reason: wanted(version) }, `in ${version}`);
    }
  });
}
