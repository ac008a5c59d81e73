import { bytes, enumerated, flag, id, integer, struct, text } from '../../harness/operations.ts';
import { headerOf, unknown } from './asker.ts';
import type { Asker, Outcome } from './asker.ts';
import * as fit from './fitting.ts';

/** The rows that are about messages and batches, whatever their operation (KMIP 1.4 §11.1). */
type Trial = (asker: Asker) => Promise<Outcome>;

const item = (...payload: Parameters<typeof struct>[1][]): ReturnType<typeof struct> =>
  struct('BatchItem', enumerated('Operation', 0x0a), struct('RequestPayload', ...payload));

const withHeader = async (
  asker: Asker,
  header: readonly ReturnType<typeof flag>[],
): Promise<Outcome> => asker.ask('Get', [id(await fit.key(asker))], { header });

/** A header of one batch item that names no operation. */
const bare = (outcome: Outcome): boolean =>
  outcome.operation === undefined && outcome.statuses.length === 1;

export interface MessageLine {
  readonly says: RegExp;
  readonly provoke: Trial;
  /** What the row says of the answer besides status and reason. */
  readonly also?: (outcome: Outcome) => boolean;
  /** Why the row cannot come about; it fails where it does. */
  readonly listed?: string;
}

export const messageLines: readonly MessageLine[] = [
  {
    says: /major version mismatch/,
    provoke: (asker) => asker.raw(struct('RequestMessage', headerOf(900, 1), item(id(unknown())))),
    also: bare,
  },
  {
    says: /^Error parsing/,
    provoke: (asker) => asker.ask('Get', [integer('UniqueIdentifier', 1)]),
    also: ({ operation }) => operation === 'Get',
  },
  {
    says: /more than once/,
    provoke: (asker) => asker.ask('Get', [id(unknown()), id(unknown())]),
  },
  {
    says: /different minor versions/,
    listed: 'a version is spoken whole or not at all, so that none of its fields is unknown',
    provoke: (asker) =>
      asker.raw(
        struct(
          'RequestMessage',
          headerOf(Math.floor(asker.version / 100) * 100 + 9, 1),
          struct(
            'BatchItem',
            enumerated('Operation', 0x18),
            struct('RequestPayload', enumerated('QueryFunction', 1), text('Comment', 'new')),
          ),
        ),
      ),
  },
  {
    says: /unknown field$/,
    provoke: (asker) => asker.ask('Get', [id(unknown()), text('Comment', 'out of place')]),
  },
  {
    says: /not allowed to perform/,
    listed:
      'in 1.x who is let in may ask for every operation, and has no ticket that says less; ' +
      'test/server/authorisation.test.ts has who is not let in',
    provoke: (asker) => asker.ask('RNGRetrieve', [integer('DataLength', 8)]),
  },
  {
    says: /completed synchronously/,
    listed: 'every operation is completed synchronously where its client wants that',
    provoke: (asker) =>
      asker.ask('Create', fit.requestOn(asker, 'Create', []), {
        header: [flag('AsynchronousIndicator', false)],
      }),
  },
  {
    says: /Maximum Response Size/,
    provoke: (asker) => withHeader(asker, [integer('MaximumResponseSize', 64)]),
  },
  {
    says: /does not support operation/,
    provoke: (asker) => asker.ask('Notify', []),
    also: ({ operation }) => operation === 'Notify',
  },
  {
    says: /Criticality/,
    provoke: (asker) =>
      asker.ask('Query', [enumerated('QueryFunction', 1)], {
        behind: [
          struct(
            'MessageExtension',
            text('VendorIdentification', 'nobody'),
            flag('CriticalityIndicator', true),
            struct('VendorExtension'),
          ),
        ],
      }),
  },
  {
    says: /cannot be parsed/,
    provoke: (asker) => asker.raw(struct('RequestMessage', bytes('Data', '00'))),
    also: bare,
  },
  ...(
    [
      [/indicator to True/, true],
      [/indicator to False/, false],
      [/does not validate/, true],
    ] as const
  ).map(([says, capable]): MessageLine => ({
    says,
    listed: 'no operation requires attestation',
    provoke: (asker) => withHeader(asker, [flag('AttestationCapableIndicator', capable)]),
  })),
];

/** Each Batch Error Continuation Option, and the statuses that it has to give. */
export const batchLines: readonly (readonly [says: RegExp, option: number, wanted: string])[] = [
  [/to Stop$/, 2, 'Success OperationFailed'],
  [/to Continue$/, 1, 'Success OperationFailed Success'],
  [/to Undo$/, 3, 'OperationUndone OperationFailed'],
];

export async function batch(asker: Asker, option: number): Promise<string> {
  const made = id(await fit.key(asker));
  const header = [enumerated('BatchErrorContinuationOption', option)];
  const items = [made, id(unknown()), made].map((each) => ['Get', [each]] as const);
  return (await asker.batch(items, { header })).statuses.join(' ');
}
