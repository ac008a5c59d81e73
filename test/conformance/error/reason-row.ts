import {
  bytes,
  enumerated,
  flag,
  id,
  integer,
  long,
  struct,
  text,
} from '../../harness/operations.ts';
import { unknown } from './asker.ts';
import * as fit from './fitting.ts';
import * as finer from './finer-provocation.ts';
import * as by from './provocation.ts';
import type { Provocation } from './provocation.ts';

/**
 * The reasons that 2.0 and 2.1 give at each operation (KMIP 2.1 §6.1), and how the server is
 * brought to answer with them. The first line that fits is a reason's.
 */
export interface ReasonLine {
  readonly at: RegExp;
  readonly reason: RegExp;
  readonly provoke: Provocation;
}

const line = (at: RegExp, reason: RegExp, provoke: Provocation): ReasonLine => ({
  ...{ at, reason, provoke },
});
const any = /./;
const onGet = /^(Get|Export)$/;

const ofEvery: readonly ReasonLine[] = [
  line(any, /^Invalid Field$/, by.unknownField),
  line(any, /^Invalid Message$/, finer.unreadable),
  line(any, /^Response Too Large$/, finer.cramped),
  line(any, /^Feature Not Supported$/, finer.extended),
  line(any, /^Permission Denied$/, finer.beyondTicket),
];

const ofGet: readonly ReasonLine[] = [
  line(
    onGet,
    /^Bad Cryptographic/,
    by.wrapped(by.wrappingKey, () => ({
      parameters: struct('CryptographicParameters', enumerated('BlockCipherMode', 1)),
    })),
  ),
  line(
    onGet,
    /^Encoding Option/,
    by.wrapped(by.wrappingKey, () => ({ attributes: 'State', encoding: 1 })),
  ),
  line(
    onGet,
    /^Incompatible/,
    by.wrapped((asker) => fit.key(asker, by.idle, fit.activeSince(asker))),
  ),
  line(onGet, /^Key Format/, by.asked([], enumerated('KeyFormatType', 3))),
  line(onGet, /^Key Compression/, by.asked([], enumerated('KeyCompressionType', 2))),
  line(onGet, /^Key Wrap Type/, async (asker, operation) => {
    const made = await by.registeredWrapped(asker);
    return asker.ask(operation, [id(made), enumerated('KeyWrapType', 1)]);
  }),
  line(
    onGet,
    /^Wrapping Object Not Found/,
    by.wrapped(() => Promise.resolve(unknown())),
  ),
  line(
    onGet,
    /^Wrapping Object Archived/,
    by.wrapped(async (asker) => asker.archive(await by.wrappingKey(asker))),
  ),
  line(onGet, /^Wrapping Object Destroyed/, by.wrapped(finer.destroyed)),
  line(onGet, /^Sensitive/, by.asked([['Sensitive', flag('Sensitive', true)]])),
  line(onGet, /^Not Extractable/, by.asked([['Extractable', flag('Extractable', false)]])),
];

const ofLife: readonly ReasonLine[] = [
  line(/^Activate$/, /^Wrong Key/, by.onActive),
  line(/^Destroy$/, /^Wrong Key/, by.onActive),
  line(/^Destroy$/, /^Object Destroyed/, by.onDestroyed),
  line(/^(Encrypt|Decrypt|Derive Key)$/, /^Wrong Key/, by.onPreActive),
  line(/^(Sign|Signature Verify)$/, /^Wrong Key/, finer.onPreActivePair),
  line(/^MAC/, /^Wrong Key/, finer.onPreActiveCode),
  line(/^Check$/, /^Incompatible/, by.checked(integer('CryptographicUsageMask', 4))),
  line(/^Check$/, /^Illegal/, by.checked(long('UsageLimitsCount', 1n))),
  line(/^Check$/, /^Usage Limit/, finer.onSpent(long('UsageLimitsCount', 1000n))),
  line(/^Get Usage/, /^Usage Limit/, by.put(long('UsageLimitsCount', 1000n))),
  line(/^Get Usage/, /^Attribute Not Found/, by.onActive),
  line(/^(Encrypt|Sign|MAC)$/, /^Usage Limit/, finer.onUsedUp),
];

const ofAttributes: readonly ReasonLine[] = [
  line(/^(Add|Set) Attribute$/, /^Read Only/, by.stateGiven),
  line(/^Adjust/, /^Read Only/, by.having(['Lease Time', text('Comment', '')])),
  line(/^Adjust/, /^Item Not Found/, by.having(['Protection Period', text('Comment', '')])),
  line(/^Revoke$/, /^Wrong Key/, by.onPreActive),
  line(/^Adjust/, /^Invalid Data Type/, by.having(['Contact Information', text('Comment', '')])),
  line(/^Adjust/, /^Multi Valued/, by.having(['Object Group', text('Comment', '')])),
  line(/^Adjust/, /^Numeric/, finer.beyond),
  line(/^Adjust/, /^Unsupported/, by.having(['No Such Attribute', text('Comment', '')])),
  line(/^(Modify|Delete) Attribute$/, /^Attribute Read Only/, by.stateGiven),
  line(
    /^(Modify|Delete) Attribute$/,
    /^Attribute Not Found/,
    by.having(['Object Group', text('Comment', 'none')]),
  ),
  line(/^(Modify|Delete) Attribute$/, /^Attribute Instance/, finer.otherInstance),
  line(/^(Add|Modify|Set|Delete|Adjust) Attribute$/, /^Wrong Key/, finer.dated),
  line(/^Set Attribute$/, /^Multi Valued/, by.having(fit.called('a name'))),
  line(
    /^Set Attribute$/,
    /^Invalid Attribute Value/,
    by.having(['Protection Level', enumerated('State', 99)]),
  ),
  line(
    /^Add Attribute$/,
    /^Attribute Single/,
    by.having(['Contact Information', text('Comment', 'two')]),
  ),
  line(/^Add Attribute$/, /^Server Limit/, by.onFull),
  line(/^(Locate|Add Attribute)$/, /^Invalid Attribute$/, finer.strangeAttribute),
  line(/^(Get Attributes|Delete Attribute)$/, /^Invalid Attribute$/, finer.strangeReference),
  line(/^Set Attribute$/, /^Non Unique/, by.having(fit.called('a name'))),
];

const ofMaking: readonly ReasonLine[] = [
  line(any, /^Public Protection Storage/, finer.storedElsewhere('Public')),
  line(any, /^(Private )?Protection Storage/, finer.storedElsewhere('Private')),
  line(any, /^(Read Only Attribute|Attribute Read Only)$/, by.stateGiven),
  line(any, /^Attribute Single Valued$/, by.givenTwice),
  line(any, /^Invalid Attribute$/, finer.strangeAttribute),
  line(any, /^Invalid Attribute Value$/, by.badValue),
  line(any, /^Non Unique Name/, by.nameTaken),
  line(any, /^Server Limit/, by.tooMany),
  line(
    any,
    /^Invalid CSR$/,
    by.changed((payload) => [
      ...payload,
      enumerated('CertificateRequestType', 2),
      bytes('CertificateRequest', '00'),
    ]),
  ),
  line(
    /^(Create|Register|Import|Derive Key|Join Split Key|Create Split Key)$/,
    /^Invalid Object [Tt]ype$/,
    by.otherObjectType,
  ),
  line(/^Import$/, /^Object Already/, async (asker) => {
    const made = await fit.key(asker);
    return asker.ask('Import', fit.requestOn(asker, 'Import', [made]));
  }),
  line(/Split Key$/, /^Unsupported Crypt/, by.onOtherMethod),
  line(/^Derive Key$/, /^Cryptographic Failure/, by.tooLong),
  line(
    /^Join/,
    /^Cryptographic Failure/,
    by.changed((payload, ids) =>
      payload.filter(({ value }) => typeof value !== 'string' || !ids.slice(1).includes(value)),
    ),
  ),
  line(/^Derive Key$/, /^Unsupported Crypt/, by.unsupportedParameters),
];

const template = enumerated('ObjectType', 6);
const ofServer: readonly ReasonLine[] = [
  line(/^Logout$/, /^Invalid Ticket$/, (asker) =>
    asker.ask('Logout', fit.requestOn(asker, 'Logout', [])),
  ),
  line(
    /^Set Defaults$/,
    /^Invalid Object Type$/,
    by.put(struct('DefaultsInformation', struct('ObjectDefaults', template, struct('Attributes')))),
  ),
  line(
    /^Set Constraints$/,
    /^Invalid Object Type$/,
    by.put(struct('Constraints', struct('Constraint', struct('ObjectTypes', template)))),
  ),
];

const ofKeys: readonly ReasonLine[] = [
  line(any, /^Key Value Not Present$/, by.onAbsentKey),
  line(any, /^Incompatible/, by.onIdle),
  line(any, /^Invalid Correlation/, by.correlated),
  line(any, /^Invalid Asynchronous/, by.uncorrelated),
  line(/^(Encrypt|Decrypt)$/, /^Missing Init/, finer.withoutVector),
  line(/^(Encrypt|Decrypt)$/, /^Bad Crypt/, finer.shortTag),
  line(/^(Encrypt|Decrypt)$/, /^Cryptographic Failure/, finer.unpadded),
  line(/^MAC/, /^Bad Crypt/, finer.otherCode),
  line(any, /^Unsupported Crypt/, by.unsupportedParameters),
  line(/^HASH$/, /^Cryptographic Failure/, by.unsupportedParameters),
  line(any, /^Invalid Object [Tt]ype$/, by.onWrongType),
  line(any, /^Object Archived$/, by.onArchived),
  line(any, /^(Object|Item) Not Found$/, by.onNothing),
  line(
    /^Query$/,
    /^Unknown Object Group/,
    by.put(struct('ObjectGroups', text('ObjectGroup', 'no such group'))),
  ),
];

export const reasonLines: readonly ReasonLine[] = [
  ...ofEvery,
  ...ofGet,
  ...ofLife,
  ...ofAttributes,
  ...ofServer,
  ...ofMaking,
  ...ofKeys,
];

type Listed = readonly [at: RegExp, reason: RegExp, why: string];

/** Reasons that do not come about here; one that does must leave this list. */
export const listedReasons: readonly Listed[] = [
  [any, /^Attestation/, 'no operation requires attestation'],
  [any, /^Operation Not Supported$/, 'the operation is performed'],
  [/^(Activate|Revoke|Export|Get)$/, /^Invalid Object Type$/, 'of 2.x every object has states'],
  [/^Get Usage/, /^Invalid Object Type/, 'any object may have such limits'],
  [/^Obtain/, /^Usage Limit/, 'a lease takes nothing from the limits'],
  [/^(Certify|Create Split Key)$/, /^Item Not Found$/, 'Object Not Found says it more exactly'],
  [
    /^Create$/,
    /^(Read Only Attribute|Unsupported Attribute)$/,
    'Attribute Read Only, Invalid Attribute',
  ],
  [/^(Create|Re-key)/, /^Cryptographic Failure$/, 'what cannot be made is refused before'],
  [/Split Key$/, /^(Bad|Unsupported) Crypt/, 'an unknown method is an Invalid Field'],
  [/^Create Split Key$/, /^Invalid Object type$/, 'parts are made of whatever is bytes'],
  [/^Derive Key$/, /^(Bad|Unsupported) Crypt/, 'parameters that do not fit are an Invalid Field'],
  [/^(Import|Register)$/, /^Encoding Option Error$/, 'neither has a Key Wrapping Specification'],
  [/^Register$/, /^Bad Password$/, 'PKCS #12 files are kept as they are, and not opened'],
  [/^Import$/, /^Attribute Read Only$/, 'an import says what elsewhere only the server sets'],
  [/^(MAC|Sign)/, /^Cryptographic Failure/, 'parameters that do not fit are refused before'],
  [/^Sign/, /^Bad Crypt/, 'parameters that do not fit are unsupported ones'],
  [/^RNG/, /^Cryptographic Failure$/, 'OpenSSL’s generator gives numbers or ends the process'],
  [/^Set Attribute$/, /^Non Unique/, 'a Name may have many values: Multi Valued Attribute'],
  [/^(Ping|Get Constraints)$/, /^Invalid Message$/, 'its payload has no fields'],
  [/^Get Constraints$/, /^Invalid Object Type$/, 'its payload names no object type'],
];
