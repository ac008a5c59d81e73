import { Operation } from '../../../appliance/kmip/enumeration.ts';
import type { Item } from '../../../appliance/ttlv/item.ts';
import { bytes, date, enumerated, flag, id, integer } from '../../harness/operations.ts';
import { long, struct, text } from '../../harness/operations.ts';
import { unknown } from './asker.ts';
import type { Asker, Given, OperationName } from './asker.ts';

/** Requests that succeed, for every operation and version; an error has one thing wrong. */

const AES = 3;
const HMAC_SHA256 = 9;
const EC = 0x1a;
const everyUse = 0x0fff | 0x1000;

export const algorithm = (value: number): Given => [
  'Cryptographic Algorithm',
  enumerated('CryptographicAlgorithm', value),
];
export const length = (bits: number): Given => [
  'Cryptographic Length',
  integer('CryptographicLength', bits),
];
export const usage = (mask: number): Given => [
  'Cryptographic Usage Mask',
  integer('CryptographicUsageMask', mask),
];
export const called = (name: string): Given => [
  'Name',
  struct('Name', text('NameValue', name), enumerated('NameType', 1)),
];
export const activeSince = (asker: Asker, seconds = 10): Given => [
  'Activation Date',
  date('ActivationDate', asker.now - seconds),
];
export const limited = (total: bigint): Given => [
  'Usage Limits',
  struct(
    'UsageLimits',
    long('UsageLimitsTotal', total),
    long('UsageLimitsCount', total),
    enumerated('UsageLimitsUnit', 2),
  ),
];
export const electronicCodebook: Given = [
  'Cryptographic Parameters',
  struct('CryptographicParameters', enumerated('BlockCipherMode', 2)),
];
/** An application's namespace, whose data the server would have to make. */
export const withoutData: Given = [
  'Application Specific Information',
  struct('ApplicationSpecificInformation', text('ApplicationNamespace', 'nobody’s')),
];

export const keyAttributes = (...more: readonly Given[]): Given[] => {
  const said = new Set(more.map(([name]) => name));
  const usual = [algorithm(AES), length(256), usage(everyUse), electronicCodebook];
  return [...usual.filter(([name]) => !said.has(name)), ...more];
};

const only = ([first]: readonly string[]): string => first ?? '';

/** A symmetric key that may be used for everything; Pre-Active unless it is told otherwise. */
export async function key(asker: Asker, ...more: readonly Given[]): Promise<string> {
  return only(
    await asker.made('Create', [
      enumerated('ObjectType', 2),
      asker.with('TemplateAttribute', ...keyAttributes(...more)),
    ]),
  );
}

/** Private and public key, active. */
export async function pair(asker: Asker, ...more: readonly Given[]): Promise<string[]> {
  return asker.made('CreateKeyPair', pairRequest(asker, activeSince(asker), ...more));
}

export function pairRequest(asker: Asker, ...more: readonly Given[]): Item[] {
  const curve: Given = [
    'Cryptographic Domain Parameters',
    struct('CryptographicDomainParameters', enumerated('RecommendedCurve', 7)),
  ];
  return [
    asker.with('CommonTemplateAttribute', algorithm(EC), curve, ...more),
    asker.with('PrivateKeyTemplateAttribute', usage(0x01)),
    asker.with('PublicKeyTemplateAttribute', usage(0x02)),
  ];
}

export async function registered(
  asker: Asker,
  objectType: number,
  object: Item,
  ...given: readonly Given[]
): Promise<string> {
  const template = asker.with('TemplateAttribute', ...given);
  return only(
    await asker.made('Register', [enumerated('ObjectType', objectType), template, object]),
  );
}

export const secretObject = (value = 'open sesame'): Item =>
  struct(
    'SecretData',
    enumerated('SecretDataType', 1),
    struct(
      'KeyBlock',
      enumerated('KeyFormatType', 2),
      struct('KeyValue', bytes('KeyMaterial', Buffer.from(value))),
    ),
  );

export const symmetricObject = (hex: string, more: readonly Item[] = []): Item =>
  struct(
    'SymmetricKey',
    struct(
      'KeyBlock',
      enumerated('KeyFormatType', 1),
      struct('KeyValue', bytes('KeyMaterial', hex)),
      enumerated('CryptographicAlgorithm', AES),
      integer('CryptographicLength', hex.length * 4),
      ...more,
    ),
  );

export async function secret(asker: Asker, ...given: readonly Given[]): Promise<string> {
  return registered(asker, 7, secretObject(), usage(everyUse), ...given);
}

export async function opaque(asker: Asker): Promise<string> {
  const object = struct(
    'OpaqueObject',
    enumerated('OpaqueDataType', 0x80000001),
    bytes('OpaqueDataValue', 'c0ffee'),
  );
  return registered(asker, 8, object);
}

export async function template(asker: Asker, name: string): Promise<string> {
  const object = struct('Template', asker.one(usage(everyUse)));
  return registered(asker, 6, object, called(name));
}

async function authenticator(asker: Asker): Promise<string> {
  return key(asker, algorithm(HMAC_SHA256), activeSince(asker));
}

async function active(asker: Asker): Promise<string> {
  return key(asker, activeSince(asker));
}

/** Objects that an operation is allowed on. */
export async function fitting(asker: Asker, operation: OperationName): Promise<string[]> {
  const makers: Partial<Record<OperationName, () => Promise<string[]>>> = {
    Encrypt: async () => [await active(asker)],
    Decrypt: async () => [await active(asker)],
    DeriveKey: async () => [await active(asker)],
    MAC: async () => [await authenticator(asker)],
    MACVerify: async () => [await authenticator(asker)],
    Sign: async () => (await pair(asker)).slice(0, 1),
    SignatureVerify: async () => (await pair(asker)).slice(1),
    ReKeyKeyPair: () => pair(asker),
    Certify: async () => (await pair(asker)).slice(1),
    ReCertify: () => certificate(asker),
    Validate: () => certificate(asker),
    JoinSplitKey: () => parts(asker),
    GetUsageAllocation: async () => [await key(asker, limited(100n), activeSince(asker))],
    Import: () => Promise.resolve([unknown()]),
    Recover: async () => [await asker.archive(await key(asker))],
    AdjustAttribute: async () => [await key(asker, ['Sensitive', flag('Sensitive', false)])],
  };
  return (await makers[operation]?.()) ?? [await key(asker, ['Contact Information', contact])];
}

const contact = text('ContactInformation', 'somebody');

async function certificate(asker: Asker): Promise<string[]> {
  const [, publicKey = ''] = await pair(asker);
  return asker.made('Certify', [id(publicKey)]);
}

async function parts(asker: Asker): Promise<string[]> {
  const ids = [await key(asker)];
  return asker.made('CreateSplitKey', requestOn(asker, 'CreateSplitKey', ids));
}

const derivation = (): Item[] => [
  enumerated('DerivationMethod', 3),
  struct(
    'DerivationParameters',
    struct('CryptographicParameters', enumerated('HashingAlgorithm', 6)),
    bytes('DerivationData', '00'),
  ),
];

const digestAndPadding = struct(
  'CryptographicParameters',
  enumerated('HashingAlgorithm', 6),
  enumerated('DigitalSignatureAlgorithm', 0x0e),
);

const { Create, Register, CreateKeyPair } = Operation;
export const makers: ReadonlySet<number> = new Set([Create, Register, CreateKeyPair]);

/** The payload that an operation is asked with, on objects and with attributes of one's own. */
export function requestOn(
  asker: Asker,
  operation: OperationName,
  ids: readonly string[],
  more: readonly Given[] = [],
): Item[] {
  const names = ids.map((each) => id(each));
  const with1 = (...given: readonly Given[]): Item =>
    asker.with('TemplateAttribute', ...given, ...more);
  const maybe = more.length === 0 ? [] : [with1()];
  const requests: Requests = {
    Create: () => [
      enumerated('ObjectType', 2),
      asker.with('TemplateAttribute', ...keyAttributes(...more)),
    ],
    CreateKeyPair: () => pairRequest(asker, ...more),
    Register: () => [enumerated('ObjectType', 7), with1(usage(0)), secretObject()],
    Import: () => [
      id(ids[0] ?? ''),
      enumerated('ObjectType', 7),
      ...(asker.isOld ? asker.list([usage(0), ...more]) : [with1(usage(0))]),
      secretObject(),
    ],
    ReKey: () => [...names, ...maybe],
    Certify: () => [...names, ...maybe],
    ReCertify: () => [...names, ...maybe],
    ReKeyKeyPair: () => [
      text('PrivateKeyUniqueIdentifier', ids[0] ?? ''),
      ...(more.length === 0 ? [] : [asker.with('CommonTemplateAttribute', ...more)]),
    ],
    DeriveKey: () => [
      enumerated('ObjectType', 2),
      ...names,
      ...derivation(),
      with1(algorithm(AES), length(128), usage(4)),
    ],
    CreateSplitKey: () => [
      enumerated('ObjectType', 5),
      ...names,
      integer('SplitKeyParts', 3),
      integer('SplitKeyThreshold', 2),
      enumerated('SplitKeyMethod', 4),
      ...maybe,
    ],
    JoinSplitKey: () => [enumerated('ObjectType', 2), ...names, ...maybe],
    Locate: () => (asker.isOld ? asker.list(more) : more.length > 0 ? [with1()] : []),
    AddAttribute: () => [...names, asker.anew(more[0] ?? described)],
    SetAttribute: () => [...names, asker.anew(more[0] ?? ['Contact Information', contact])],
    ModifyAttribute: () => [...names, asker.anew(more[0] ?? ['Contact Information', other])],
    DeleteAttribute: () => [...names, asker.named(more[0]?.[0] ?? 'Contact Information')],
    AdjustAttribute: () => [
      ...names,
      asker.named(more[0]?.[0] ?? 'Sensitive'),
      enumerated('AdjustmentType', 3),
    ],
    ...using(names),
    ...ofServer,
  };
  return requests[operation]?.() ?? names;
}

const other = text('ContactInformation', 'somebody else');
const described: Given = ['x-Note', text('CustomAttribute', 'said')];

type Requests = Partial<Record<OperationName, () => Item[]>>;

/** Those that use an object, or say something of its life. */
function using(names: readonly Item[]): Requests {
  const requests: Requests = {
    GetUsageAllocation: () => [...names, long('UsageLimitsCount', 1n)],
    Revoke: () => [...names, struct('RevocationReason', enumerated('RevocationReasonCode', 1))],
    Encrypt: () => [...names, bytes('Data', '00'.repeat(16))],
    Decrypt: () => [...names, bytes('Data', '00'.repeat(16))],
    Sign: () => [...names, digestAndPadding, bytes('Data', '00')],
    SignatureVerify: () => [
      ...names,
      digestAndPadding,
      bytes('Data', '00'),
      bytes('SignatureData', '00'),
    ],
    MAC: () => [...names, bytes('Data', '00')],
    MACVerify: () => [...names, bytes('Data', '00'), bytes('MACData', '00'.repeat(32))],
  };
  return requests;
}

/** Those that speak of no object. */
const ofServer: Requests = {
  Hash: () => [
    struct('CryptographicParameters', enumerated('HashingAlgorithm', 6)),
    bytes('Data', '00'),
  ],
  RNGRetrieve: () => [integer('DataLength', 8)],
  RNGSeed: () => [bytes('Data', '00')],
  Query: () => [enumerated('QueryFunction', 1)],
  DiscoverVersions: () => [],
  Ping: () => [],
  Log: () => [text('LogMessage', 'said')],
  Interop: () => [enumerated('InteropFunction', 1), text('InteropIdentifier', 'CS-1')],
  Poll: () => [bytes('AsynchronousCorrelationValue', '00')],
  Cancel: () => [bytes('AsynchronousCorrelationValue', '00')],
  Process: () => [bytes('AsynchronousCorrelationValue', '00')],
  QueryAsynchronousRequests: () => [struct('AsynchronousCorrelationValues')],
  Login: () => [integer('RequestCount', 1)],
  DelegatedLogin: () => [struct('Rights')],
  Logout: () => [
    struct('Ticket', enumerated('TicketType', 1), bytes('TicketValue', '00'.repeat(32))),
  ],
  SetEndpointRole: () => [enumerated('EndpointRole', 2)],
  SetDefaults: () => [struct('DefaultsInformation')],
  SetConstraints: () => [struct('Constraints')],
  GetConstraints: () => [],
};
