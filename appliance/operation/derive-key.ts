import { agree, derive } from '../cryptography/derivation.ts';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { cryptographicParameters } from '../kmip/attribute-structure.ts';
import { DerivationMethod, KeyFormatType, LinkType } from '../kmip/enumeration.ts';
import { ObjectType, Operation, ResultReason } from '../kmip/enumeration.ts';
import type { CryptographicAlgorithm } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import type { Item } from '../ttlv/item.ts';
import { byteString, enumeration, integer, optional, repeated } from '../ttlv/structure.ts';
import { required, structure } from '../ttlv/structure.ts';
import type { Decoded } from '../ttlv/structure.ts';
import { asAttributes, templateAttribute } from './attribute-codec.ts';
import { refuseHidden } from './hidden.ts';
import { openKey, parametersFor, requireUse, spendUse } from './key-use.ts';
import { linkValue } from './link.ts';
import { numberOf, requestedAttributes, sealObject, storeObject } from './new-object.ts';
import { defineChange } from './operation.ts';
import type { Context } from './operation.ts';

const derivationParameters = structure({
  cryptographicParameters: optional(Tag.CryptographicParameters, cryptographicParameters),
  initializationVector: optional(Tag.InitializationVector, byteString),
  derivationData: optional(Tag.DerivationData, byteString),
  salt: optional(Tag.Salt, byteString),
  iterationCount: optional(Tag.IterationCount, integer),
});

/** Derive Key (KMIP 1.4 §4.6): a symmetric key or secret data out of an object that may derive. */
export const deriveKey = defineChange({
  operation: Operation.DeriveKey,
  since: 100,
  policy: { target: 'object', right: 'use' },
  request: structure({
    objectType: required(Tag.ObjectType, enumeration(ObjectType)),
    uniqueIdentifiers: repeated(Tag.UniqueIdentifier, identifier),
    derivationMethod: required(Tag.DerivationMethod, enumeration(DerivationMethod)),
    derivationParameters: required(Tag.DerivationParameters, derivationParameters),
    templateAttribute: required(Tag.TemplateAttribute, templateAttribute, asAttributes),
  }),
  response: structure({ uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) }),
  async prepare(request, context) {
    const { objectType, derivationMethod, derivationParameters: parameters } = request;
    if (objectType !== ObjectType.SymmetricKey && objectType !== ObjectType.SecretData) {
      throw new KmipError(ResultReason.InvalidObjectType, 'Only keys and secret data are derived');
    }
    const named = request.uniqueIdentifiers.length === 0 ? [undefined] : request.uniqueIdentifiers;
    if (named.length > 2) {
      throw new KmipError(ResultReason.InvalidField, 'A key is derived from one object or two');
    }
    const bases = named.map((each) => context.target(context.keystore, each));
    for (const base of bases) requireUse(base, 'DeriveKey', context);
    const attributes = requestedAttributes(request.templateAttribute, context);
    const length = numberOf(attributes, 'Cryptographic Length') ?? 0;
    if (length <= 0 || length % 8 !== 0 || length > 65_536) {
      throw new KmipError(ResultReason.InvalidField, 'Cryptographic Length is required');
    }
    const algorithm = numberOf(attributes, 'Cryptographic Algorithm');
    if (objectType === ObjectType.SymmetricKey && algorithm === undefined) {
      throw new KmipError(ResultReason.InvalidField, 'Cryptographic Algorithm is required');
    }
    const secret = await derived(bases, derivationMethod, parameters, length / 8, context);
    const made = await sealObject(
      {
        objectType,
        attributes: [...ownAttributes(attributes, objectType), ...baseLinks(bases, attributes)],
        form: formOf(objectType, algorithm, length),
        secret: {
          tag: Tag.KeyValue,
          type: 'Structure',
          value: [{ tag: Tag.KeyMaterial, type: 'ByteString', value: secret }],
        },
        digestBytes: secret,
      },
      context,
    );
    secret.fill(0);
    return (draft) => {
      storeObject(made, draft, context);
      for (const { uniqueIdentifier: object } of bases) {
        const links = draft.object(object)?.attributes.filter(({ name }) => name === 'Link') ?? [];
        const index = links.reduce((next, each) => Math.max(next, each.index + 1), 0);
        const value = linkValue(LinkType.DerivedKeyLink, made.uniqueIdentifier);
        const attribute = { name: 'Link', index, value };
        draft.append({ kind: 'attribute-set', object, attribute, mode: 'add' });
      }
      context.place(made.uniqueIdentifier);
      return { uniqueIdentifier: made.uniqueIdentifier };
    };
  },
});

async function derived(
  bases: readonly ManagedObject[],
  method: DerivationMethod,
  said: Decoded<typeof derivationParameters>,
  length: number,
  context: Context,
): Promise<Buffer> {
  const [base, second] = bases;
  if (base === undefined) throw new KmipError(ResultReason.InvalidMessage, 'No object is named');
  await spendUse(base, length, 1, context);
  using key = await openKey(base, context);
  using other = second === undefined ? undefined : await openKey(second, context);
  if (method === DerivationMethod.AsymmetricKey) {
    if (other === undefined) throw new KmipError(ResultReason.InvalidField, 'Two keys are needed');
    const privateFirst = base.objectType === ObjectType.PrivateKey;
    const [mine, theirs] = privateFirst ? [key, other] : [other, key];
    return agree(mine.asymmetric(), theirs.asymmetric(), length);
  }
  if (other !== undefined && said.derivationData !== undefined) {
    const message = 'Derivation Data comes in the request or from an object, not both';
    throw new KmipError(ResultReason.InvalidMessage, message);
  }
  // The data can be had back from what is derived, as with Encrypt by a key that one has.
  if (second !== undefined) refuseHidden(second);
  const { initializationVector: iv, salt, iterationCount: iterations } = said;
  const data = said.derivationData ?? other?.bytes();
  // Awaited here: the opened keys are wiped when this function ends.
  return await derive(method, {
    key: key.bytes(),
    algorithm: base.algorithm as CryptographicAlgorithm,
    parameters: parametersFor(base, said.cryptographicParameters, context),
    length,
    random: context.random,
    ...(data === undefined ? {} : { data }),
    ...(salt === undefined ? {} : { salt }),
    ...(iv === undefined ? {} : { iv }),
    ...(iterations === undefined ? {} : { iterations }),
  });
}

/**
 * "For all derivation methods, the client SHALL specify the desired length of the derived key or
 * Secret Data object using the Cryptographic Length attribute" (KMIP 1.4 §4.6): Secret Data itself
 * has neither a length nor an algorithm.
 */
function ownAttributes(
  attributes: readonly AttributeInstance[],
  objectType: ObjectType,
): readonly AttributeInstance[] {
  if (objectType !== ObjectType.SecretData) return attributes;
  const ofKeys: readonly string[] = ['Cryptographic Length', 'Cryptographic Algorithm'];
  return attributes.filter(({ name }) => !ofKeys.includes(name));
}

function baseLinks(
  bases: readonly ManagedObject[],
  attributes: readonly AttributeInstance[],
): AttributeInstance[] {
  const next = attributes.filter(({ name }) => name === 'Link').length;
  return bases.map(({ uniqueIdentifier }, i) => ({
    name: 'Link',
    index: next + i,
    value: linkValue(LinkType.DerivationBaseObjectLink, uniqueIdentifier),
  }));
}

function formOf(objectType: ObjectType, algorithm: number | undefined, length: number): Item[] {
  const block: Item[] = [{ tag: Tag.KeyFormatType, type: 'Enumeration', value: KeyFormatType.Raw }];
  if (algorithm !== undefined) {
    block.push({ tag: Tag.CryptographicAlgorithm, type: 'Enumeration', value: algorithm });
  }
  block.push({ tag: Tag.CryptographicLength, type: 'Integer', value: length });
  const open: Item = { tag: Tag.KeyBlock, type: 'Structure', value: block };
  if (objectType === ObjectType.SymmetricKey) return [open];
  return [{ tag: Tag.SecretDataType, type: 'Enumeration', value: 2 }, open];
}
