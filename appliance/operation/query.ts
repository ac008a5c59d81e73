import { randomNumberGenerator } from '../kmip/attribute-structure.ts';
import { AttestationType, ClientRegistrationMethod, DestroyAction } from '../kmip/enumeration.ts';
import { ObjectType, Operation, QueryFunction, RNGMode } from '../kmip/enumeration.ts';
import { ResultReason, ShreddingAlgorithm, UnwrapMode } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { extensionAlgorithms } from '../kmip/extension.ts';
import { Tag } from '../kmip/tag.ts';
import type { Item } from '../ttlv/item.ts';
import { typeByte } from '../ttlv/type.ts';
import type { Decoded } from '../ttlv/structure.ts';
import { anyItem, boolean, enumeration, integer, optional } from '../ttlv/structure.ts';
import { repeated, required, structure, textString } from '../ttlv/structure.ts';
import { generator } from './new-object.ts';
import { defaultsInformation, defaultsOf, objectGroups } from './object-rule.ts';
import { defineReading } from './operation.ts';
import { profileInformation, profilesIn } from './profile.ts';
import { protectionStorage } from './protection-storage.ts';
import type { Context, View } from './operation.ts';

const vendor = 'Twinlock';

/** What Register or Create can make here, with the versions that have it. */
const objectTypes: readonly (readonly [ObjectType, since: number, until?: number])[] = [
  [ObjectType.Certificate, 100],
  [ObjectType.SymmetricKey, 100],
  [ObjectType.PublicKey, 100],
  [ObjectType.PrivateKey, 100],
  [ObjectType.SplitKey, 100],
  [ObjectType.Template, 100, 104],
  [ObjectType.SecretData, 100],
  [ObjectType.OpaqueObject, 100],
  [ObjectType.PGPKey, 102],
  [ObjectType.CertificateRequest, 200],
];

const capability = structure({
  streaming: optional(Tag.StreamingCapability, boolean),
  asynchronous: optional(Tag.AsynchronousCapability, boolean),
  attestation: optional(Tag.AttestationCapability, boolean),
  batchUndo: optional(Tag.BatchUndoCapability, boolean, { since: 104 }),
  batchContinue: optional(Tag.BatchContinueCapability, boolean, { since: 104 }),
  unwrapMode: optional(Tag.UnwrapMode, enumeration(UnwrapMode)),
  destroyAction: optional(Tag.DestroyAction, enumeration(DestroyAction)),
  shreddingAlgorithm: optional(Tag.ShreddingAlgorithm, enumeration(ShreddingAlgorithm)),
  rngMode: optional(Tag.RNGMode, enumeration(RNGMode)),
  quantumSafe: optional(Tag.QuantumSafeCapability, boolean, { since: 200 }),
});

/** What is outside the tables of KMIP (KMIP 2.1 §7.13). */
const extension = structure({
  name: required(Tag.ExtensionName, textString),
  tag: optional(Tag.ExtensionTag, integer),
  type: optional(Tag.ExtensionType, enumeration(typeByte)),
  enumeration: optional(Tag.ExtensionEnumeration, integer, { since: 200 }),
  description: optional(Tag.ExtensionDescription, textString, { since: 200 }),
});

/** Only values of an enumeration are extended here, which 2.0 is the first to have words for. */
function extensions(asked: ReadonlySet<number>, version: number): Decoded<typeof extension>[] {
  const { QueryExtensionList, QueryExtensionMap } = QueryFunction;
  const whole = asked.has(QueryExtensionMap);
  if (version < 200 || (!whole && !asked.has(QueryExtensionList))) return [];
  return extensionAlgorithms.map(({ algorithm, name, use }) => ({
    name,
    ...(whole
      ? {
          tag: Tag.CryptographicAlgorithm,
          type: typeByte.Enumeration,
          enumeration: algorithm | 0,
          description: use,
        }
      : {}),
  }));
}

/** Query (KMIP 1.4 §4.25), answered from the list that the dispatcher itself goes by. */
export const query = defineReading({
  operation: Operation.Query,
  since: 100,
  policy: { target: 'server' },
  request: structure({
    queryFunctions: repeated(Tag.QueryFunction, enumeration(QueryFunction)),
    objectGroups: optional(Tag.ObjectGroups, objectGroups, { since: 201 }),
  }),
  response: structure({
    operations: repeated(Tag.Operation, enumeration(Operation)),
    objectTypes: repeated(Tag.ObjectType, enumeration(ObjectType)),
    vendorIdentification: optional(Tag.VendorIdentification, textString),
    serverInformation: optional(Tag.ServerInformation, anyItem),
    applicationNamespaces: repeated(Tag.ApplicationNamespace, textString),
    extensionInformation: repeated(Tag.ExtensionInformation, extension, { since: 101 }),
    attestationTypes: repeated(Tag.AttestationType, enumeration(AttestationType), { since: 102 }),
    rngParameters: repeated(Tag.RNGParameters, randomNumberGenerator, { since: 103 }),
    profileInformation: repeated(Tag.ProfileInformation, profileInformation, { since: 103 }),
    capabilityInformation: repeated(Tag.CapabilityInformation, capability, { since: 103 }),
    clientRegistrationMethods: repeated(
      Tag.ClientRegistrationMethod,
      enumeration(ClientRegistrationMethod),
      { since: 103 },
    ),
    defaultsInformation: optional(Tag.DefaultsInformation, defaultsInformation, { since: 200 }),
    protectionStorageMasks: repeated(Tag.ProtectionStorageMask, integer, { since: 200 }),
  }),
  prepare: (request, context) => (view) => {
    const asked = new Set(request.queryFunctions);
    const groups = request.objectGroups?.each;
    requireGroups(groups ?? [], view, context);
    const when = <T>(name: keyof typeof QueryFunction, values: readonly T[]): readonly T[] =>
      asked.has(QueryFunction[name]) ? values : [];
    const { version } = context;
    const types = objectTypes.filter(
      ([, since, until = Infinity]) => since <= version && version <= until,
    );
    return {
      operations: when('QueryOperations', context.operations),
      objectTypes: when(
        'QueryObjects',
        types.map(([type]) => type),
      ),
      ...(asked.has(QueryFunction.QueryServerInformation)
        ? { vendorIdentification: vendor, serverInformation: serverInformation(version) }
        : {}),
      applicationNamespaces: [],
      extensionInformation: extensions(asked, version),
      // None is asked for here, and none could be verified.
      attestationTypes: [],
      rngParameters: when('QueryRNGs', [
        randomNumberGenerator.read({ tag: Tag.RNGParameters, ...generator }, version),
      ]),
      profileInformation: when('QueryProfiles', profilesIn(version)),
      capabilityInformation: when('QueryCapabilities', [capabilities(context)]),
      clientRegistrationMethods: when('QueryClientRegistrationMethods', [
        ClientRegistrationMethod.Unspecified,
      ]),
      protectionStorageMasks: when('QueryStorageProtectionMasks', [protectionStorage]),
      ...(asked.has(QueryFunction.QueryDefaultsInformation)
        ? { defaultsInformation: defaultsOf(context, groups) }
        : {}),
    };
  },
});

/** Refuses object groups that have no object of the client's: KmipError Unknown Object Group. */
function requireGroups(groups: readonly string[], view: View, { client }: Context): void {
  for (const value of groups) {
    const attributes = [{ name: 'Object Group', value: { type: 'TextString', value } as const }];
    const filter = { attributes, dates: [], offset: 0, maximum: 1 };
    if (view.locate(client.group, filter).length > 0) continue;
    throw new KmipError(ResultReason.UnknownObjectGroup, 'No object is in this group');
  }
}

/** Free in 1.x, named fields from 2.0 on. */
function serverInformation(version: number): Item {
  const name: Item = { tag: Tag.ProductName, type: 'TextString', value: vendor };
  const value = version >= 200 ? [name] : [];
  return { tag: Tag.ServerInformation, type: 'Structure', value };
}

/** A destroyed object's material is sealed, then deleted; the object's records stay. */
function capabilities({ operations }: Context): Parameters<typeof capability.write>[2] {
  return {
    streaming: true,
    asynchronous: operations.includes(Operation.Poll),
    attestation: false,
    batchUndo: true,
    batchContinue: true,
    unwrapMode: UnwrapMode.NotProcessed,
    destroyAction: DestroyAction.KeyMaterialDeleted,
    shreddingAlgorithm: ShreddingAlgorithm.Cryptographic,
    rngMode: RNGMode.SharedInstantiation,
    quantumSafe: true,
  };
}
