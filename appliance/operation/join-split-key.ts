import { joinShares } from '../cryptography/split.ts';
import type { Share } from '../cryptography/split.ts';
import { ObjectType, Operation, ResultReason, SecretDataType } from '../kmip/enumeration.ts';
import type { SplitKeyMethod } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import type { Item } from '../ttlv/item.ts';
import { enumeration, optional, repeated, required, structure } from '../ttlv/structure.ts';
import { asAttributes, templateAttribute } from './attribute-codec.ts';
import { hidingOf } from './hidden.ts';
import { openKey } from './key-use.ts';
import { requestedAttributes, sealObject, storeObject } from './new-object.ts';
import { defineChange } from './operation.ts';
import { storageField } from './protection-storage.ts';

/** Join Split Key (KMIP 1.4 §4.39): makes one object of enough parts. */
export const joinSplitKey = defineChange({
  operation: Operation.JoinSplitKey,
  since: 102,
  policy: { target: 'object', right: 'get' },
  request: structure({
    objectType: required(Tag.ObjectType, enumeration(ObjectType)),
    uniqueIdentifiers: repeated(Tag.UniqueIdentifier, identifier),
    secretDataType: optional(Tag.SecretDataType, enumeration(SecretDataType)),
    templateAttribute: optional(Tag.TemplateAttribute, templateAttribute, asAttributes),
    ...storageField,
  }),
  response: structure({ uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) }),
  async prepare(request, context) {
    const { objectType, secretDataType } = request;
    const { SymmetricKey, PrivateKey, SecretData } = ObjectType;
    if (![SymmetricKey, PrivateKey, SecretData].some((type) => type === objectType)) {
      throw new KmipError(ResultReason.InvalidObjectType, 'Parts make no object of this type');
    }
    const parts = request.uniqueIdentifiers.map((each) => context.target(context.keystore, each));
    const [first] = parts;
    if (first === undefined) throw new KmipError(ResultReason.InvalidMessage, 'No parts');
    const method = fieldOf(first, Tag.SplitKeyMethod) as SplitKeyMethod;
    refuseStrangers(first, parts);
    const shares: Share[] = [];
    for (const part of parts) {
      using key = await openKey(part, context);
      const bytes = Buffer.from(key.bytes());
      shares.push({ part: fieldOf(part, Tag.KeyPartIdentifier), bytes });
    }
    const secret = joinShares(method, shares);
    for (const { bytes } of shares) bytes.fill(0);
    const template = request.templateAttribute ?? { names: [], attributes: [] };
    // What may not leave as parts may not leave whole.
    const hiding = new Map(parts.flatMap(hidingOf).map((each) => [each.name, each]));
    const requested = [
      ...requestedAttributes(template, context).filter(({ name }) => !hiding.has(name)),
      ...hiding.values(),
    ];
    const said = new Set(requested.map(({ name }) => name));
    const taken = first.attributes.filter(
      ({ name }) => /^Cryptographic (Algorithm|Length)$/.test(name) && !said.has(name),
    );
    const block = first.form.filter(({ tag }) => tag === Tag.KeyBlock);
    const kind: Item[] =
      objectType === SecretData
        ? [{ tag: Tag.SecretDataType, type: 'Enumeration', value: secretDataType ?? 1 }]
        : [];
    const made = await sealObject(
      {
        objectType,
        attributes: [...requested, ...taken],
        form: [...kind, ...block],
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
      return { uniqueIdentifier: made.uniqueIdentifier };
    };
  },
});

/** Refuses what is no part, or not one of the same split, and too few of them. */
function refuseStrangers(first: ManagedObject, parts: readonly ManagedObject[]): void {
  const fields = [Tag.SplitKeyParts, Tag.SplitKeyThreshold, Tag.SplitKeyMethod] as const;
  const same = parts.every(
    (part) =>
      part.objectType === ObjectType.SplitKey &&
      fields.every((tag) => fieldOf(part, tag) === fieldOf(first, tag)),
  );
  const numbers = new Set(parts.map((part) => fieldOf(part, Tag.KeyPartIdentifier)));
  if (!same || numbers.size !== parts.length) {
    throw new KmipError(ResultReason.InvalidField, 'The objects are not parts of one key');
  }
  if (parts.length < fieldOf(first, Tag.SplitKeyThreshold)) {
    throw new KmipError(ResultReason.CryptographicFailure, 'These parts are too few');
  }
}

function fieldOf(object: ManagedObject, tag: number): number {
  return Number(object.form.find((item) => item.tag === tag)?.value ?? 0);
}
