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
import { Tag } from '../../../appliance/kmip/tag.ts';
import { unknown } from './asker.ts';
import type { Asker, OperationName, Outcome } from './asker.ts';
import * as fit from './fitting.ts';
import * as by from './provocation.ts';
import type { Provocation } from './provocation.ts';

/**
 * The rows of the error tables of KMIP 1.0 to 1.4 (§11), told by words of their text: the
 * operations they are found at, and how the server is brought there. The first line that fits a
 * row is its.
 */
export interface Line {
  readonly at: RegExp;
  readonly says: RegExp;
  readonly provoke: Provocation;
}

const line = (at: RegExp, says: RegExp, provoke: Provocation): Line => ({ at, says, provoke });
const any = /./;

const toGet: readonly Line[] = [
  line(
    /^(Get|Export)$/,
    /^Wrapping key/,
    by.wrapped(() => Promise.resolve(unknown())),
  ),
  line(
    /^(Get|Export)$/,
    /MAC.* not a key$/,
    by.wrapped(fit.opaque, () => ({ signed: true })),
  ),
  line(
    /^(Get|Export)$/,
    /MACing/,
    by.wrapped(
      (asker) => fit.key(asker, by.idle),
      () => ({ signed: true }),
    ),
  ),
  line(/^(Get|Export)$/, /not a key$/, by.wrapped(fit.opaque)),
  line(
    /^(Get|Export)$/,
    /for wrapping$/,
    by.wrapped((asker) => fit.key(asker, by.idle, fit.activeSince(asker))),
  ),
  line(/^(Get|Export)$/, /Key Format Type/, by.asked([], enumerated('KeyFormatType', 3))),
  line(/^(Get|Export)$/, /only has attributes/, by.onAbsentKey),
  line(
    /^(Get|Export)$/,
    /^Cryptographic Parameters/,
    by.wrapped(by.wrappingKey, () => ({
      parameters: struct('CryptographicParameters', enumerated('BlockCipherMode', 1)),
    })),
  ),
  line(/^(Get|Export)$/, /desired Encoding/, async (asker, operation) => {
    const [made = ''] = await by.structured(asker);
    return by.wrappedFrom(made, by.wrappingKey, () => ({ encoding: 1 }))(asker, operation);
  }),
  line(
    /^(Get|Export)$/,
    /Encoding Option not/,
    by.wrapped(by.wrappingKey, () => ({ attributes: 'State', encoding: 1 })),
  ),
  line(/^(Get|Export)$/, /Key Wrap Type/, async (asker, operation) => {
    const made = await by.registeredWrapped(asker);
    return asker.ask(operation, [id(made), enumerated('KeyWrapType', 1)]);
  }),
  line(/^Get$/, /Sensitive$/, by.asked([['Sensitive', flag('Sensitive', true)]])),
  line(/^Get$/, /Extractable$/, by.asked([['Extractable', flag('Extractable', false)]])),
];

const ofAttributes: readonly Line[] = [
  line(
    /^Get Attributes$/,
    /more than once/,
    by.named('Contact Information', 'Contact Information'),
  ),
  line(/^Add /, /read-only/, by.stateGiven),
  line(/^Add /, /not supported for this/, by.inapplicable),
  line(/^Add /, /already exists/, by.having(['Contact Information', text('Comment', 'one more')])),
  line(/^Add /, /contains Attribute Index/, by.indexed(1)),
  line(/^Add /, /limit on instances/, by.onFull),
  line(/^Modify /, /needs to first be added/, by.having(['x-None', text('Comment', 'none')])),
  line(/^Modify /, /No matching|Index is specified/, by.indexed(7)),
  line(/^Modify /, /read-only/, by.stateGiven),
  line(/^Delete /, /read-only/, by.stateGiven),
  line(/^Delete /, /No matching|does not have multiple/, by.indexed(7)),
  line(/^Delete /, /No attribute/, by.having(['x-None', text('Comment', 'none')])),
  line(/^Delete /, /has multiple/, by.oneOfTwo),
  line(/^Locate/, any, by.noSuchAttribute),
];

const ofLife: readonly Line[] = [
  line(/^(Activate|Revoke)$/, /template/, by.onTemplate),
  line(/^Activate$/, /Pre-Active/, by.onActive),
  line(
    /^Revoke$/,
    /not recognized/,
    by.put(struct('RevocationReason', enumerated('RevocationReasonCode', 0x7f))),
  ),
  line(/^Destroy$/, /already/, by.onDestroyed),
  line(/^Destroy$/, /not in/, by.onActive),
  line(/^Obtain Lease$/, /new lease/, by.onCompromised),
  line(/^Get Usage/, /no Usage Limits attribute/, by.onActive),
  line(/^Get Usage/, /No Usage/, by.without(Tag.UsageLimitsCount)),
  line(/^Get Usage/, /grant/, by.put(long('UsageLimitsCount', 1000n))),
  line(/^Check$/, /cannot be performed/, by.checked(long('UsageLimitsCount', 1n))),
  line(/^Check$/, /not allowed/, by.checked(integer('CryptographicUsageMask', 4))),
  line(/^Validate$/, /certificate list/, by.onActive),
  line(/^Poll$/, any, by.uncorrelated),
];

const ofKeys: readonly Line[] = [
  line(/^Register$/, /PKCS#12, but missing/, by.sealedFile(false)),
  line(/^Register$/, /PKCS#12, but/, by.sealedFile(true)),
  line(/^Register$/, /containing a Name/, async (asker) => {
    const inside = struct('Template', asker.one(fit.called(unknown())));
    const name = asker.with('TemplateAttribute', fit.called(unknown()));
    return asker.ask('Register', [enumerated('ObjectType', 6), name, inside]);
  }),
  line(/^(Register|Import)$/, /does not match type/, by.otherObjectType),
  line(
    /^Create Key Pair$/,
    /REQUIRED/,
    by.put(struct('CommonTemplateAttribute', struct('Attribute'))),
  ),
  line(/^Re-key/, /not able to be/, by.onWrongType),
  line(/^Re-/, /^Offset/, by.offsetAndDate),
  line(/^Re-key/, /^An offset/, by.offsetAlone),
  line(/^(Re-c|C)ertify/, /not able to be/, by.onWrongType),
  line(
    /^(Re-c|C)ertify/,
    /Certificate Request/,
    by.changed((payload) => [
      ...payload,
      enumerated('CertificateRequestType', 2),
      bytes('CertificateRequest', '00'),
    ]),
  ),
  line(/^Derive/, /correct type/, by.onWrongType),
  line(/^Derive/, /Derivation Method$/, by.put(enumerated('DerivationMethod', 0x7f))),
  line(/^Derive/, /Derivation Parameters$/, by.put(enumerated('DerivationMethod', 1))),
  line(/^Derive/, /^Ambiguous/, async (asker, operation) => {
    const ids = [
      ...(await fit.fitting(asker, operation)),
      await fit.secret(asker, fit.activeSince(asker)),
    ];
    return asker.ask(operation, fit.requestOn(asker, operation, ids));
  }),
  line(/^Derive/, /not able to be/, by.onIdle),
  line(/^Derive/, /length exceeds/, by.tooLong),
  line(/Split/, /Method not supported/, by.onOtherMethod),
  line(
    /^Join/,
    /Threshold/,
    by.changed((payload, ids) =>
      payload.filter(({ value }) => typeof value !== 'string' || !ids.slice(1).includes(value)),
    ),
  ),
  line(/^Import$/, /already exists/, async (asker) => {
    const made = await fit.key(asker);
    return asker.ask('Import', fit.requestOn(asker, 'Import', [made]));
  }),
  line(/^Import$/, /^Field is not supported/, by.unknownField),
];

const ofCryptography: readonly Line[] = [
  line(any, /able to be used for/, by.onIdle),
  line(/^RNG/, any, by.unknownField),
  line(/^MAC/, /^Cryptographic error/, by.otherMode),
  line(any, /^Cryptographic error/, by.unsupportedParameters),
  line(any, /Correlation Value exists/, by.correlated),
];

const common: readonly Line[] = [
  line(
    any,
    /Unique Identifier exists$|[Oo]bject does not exist|specified do not exist/,
    by.onNothing,
  ),
  line(any, /^Template object is archived/, by.templateArchived),
  line(any, /archived$/, by.onArchived),
  line(any, /Key Value is not present/, by.onAbsentKey),
  line(any, /Object Type is not recognized/, by.wrongObjectType),
  line(any, /Templates that do not/, by.templateUnknown),
  line(any, /Incorrect attribute/, by.badValue),
  line(any, /more instances/, by.tooMany),
  line(
    any,
    /same Name attribute|Name attribute with the same|Name attribute value to/,
    by.nameTaken,
  ),
  line(any, /Application Namespace/, by.withoutNamespace),
];

export const lines: readonly Line[] = [
  ...toGet,
  ...ofAttributes,
  ...ofLife,
  ...ofKeys,
  ...ofCryptography,
  ...common,
];

/** Rows that cannot come about here, with the reason; one that does must leave this list. */
export const listed: readonly (readonly [at: RegExp, says: RegExp, reason: string])[] = [
  [/Create|Join/, /^Error creating/, 'what cannot be made is refused before, as an Invalid Field'],
  [/^Re-key/, /^Cryptographic error/, 'kinds of keys that are not made here are refused before'],
  [/^RNG/, /^Cryptographic error/, 'OpenSSL’s generator gives numbers or ends the process'],
  [/^(Register|Import)$/, /^Encoding Option/, 'neither has a Key Wrapping Specification'],
  [/^Get Attributes$/, /^An Attribute Index/, 'the request has no field for an index'],
];

export type { Asker, OperationName, Outcome };
