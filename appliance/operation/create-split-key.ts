import { noMethod, splitSecret } from '../cryptography/split.ts';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { KeyFormatType, LinkType, ObjectType, Operation } from '../kmip/enumeration.ts';
import { ResultReason, SplitKeyMethod } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { Item } from '../ttlv/item.ts';
import { bigInteger, enumeration, integer, optional } from '../ttlv/structure.ts';
import { repeated, required, structure } from '../ttlv/structure.ts';
import { asAttributes, templateAttribute } from './attribute-codec.ts';
import { refuseHidden } from './hidden.ts';
import { formatOf, openKey } from './key-use.ts';
import { linkValue } from './link.ts';
import { numberOf, requestedAttributes, sealObject, storeObject } from './new-object.ts';
import type { NewObject } from './new-object.ts';
import { defineChange } from './operation.ts';
import { storageField } from './protection-storage.ts';
import type { Context } from './operation.ts';

interface Source {
  readonly secret: Buffer;
  readonly format: KeyFormatType;
  readonly algorithm: number;
  readonly length: number;
  readonly identifier?: string;
}

/** Create Split Key (KMIP 1.4 §4.38): splits a key there is, or a new symmetric one. */
export const createSplitKey = defineChange({
  operation: Operation.CreateSplitKey,
  since: 102,
  policy: { target: 'object', right: 'get' },
  request: structure({
    objectType: required(Tag.ObjectType, enumeration(ObjectType)),
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    splitKeyParts: required(Tag.SplitKeyParts, integer),
    splitKeyThreshold: required(Tag.SplitKeyThreshold, integer),
    splitKeyMethod: required(Tag.SplitKeyMethod, enumeration(SplitKeyMethod)),
    primeFieldSize: optional(Tag.PrimeFieldSize, bigInteger),
    templateAttribute: optional(Tag.TemplateAttribute, templateAttribute, asAttributes),
    ...storageField,
  }),
  response: structure({ uniqueIdentifiers: repeated(Tag.UniqueIdentifier, identifier) }),
  async prepare(request, context) {
    const { splitKeyParts: parts, splitKeyThreshold: threshold, splitKeyMethod } = request;
    const { XOR, PolynomialSharingGF28 } = SplitKeyMethod;
    if (splitKeyMethod !== XOR && splitKeyMethod !== PolynomialSharingGF28) throw noMethod();
    const whole = splitKeyMethod !== XOR || parts === threshold;
    if (parts < 2 || parts > 255 || threshold < 2 || threshold > parts || !whole) {
      throw new KmipError(ResultReason.InvalidField, 'No such number of parts');
    }
    const template = request.templateAttribute ?? { names: [], attributes: [] };
    const attributes = requestedAttributes(template, context);
    const source = await sourceOf(request.uniqueIdentifier, attributes, context);
    let shares: ReturnType<typeof splitSecret>;
    try {
      shares = splitSecret(splitKeyMethod, source.secret, parts, threshold, context.random);
    } finally {
      source.secret.fill(0);
    }
    const made: NewObject[] = [];
    for (const { part, bytes } of shares) {
      const head = [
        { tag: Tag.SplitKeyParts, type: 'Integer', value: parts },
        { tag: Tag.KeyPartIdentifier, type: 'Integer', value: part },
        { tag: Tag.SplitKeyThreshold, type: 'Integer', value: threshold },
        { tag: Tag.SplitKeyMethod, type: 'Enumeration', value: splitKeyMethod },
      ] as const;
      // A name is one object's: the first part has it.
      const own = attributes.filter(({ name }) => part === 1 || name !== 'Name');
      made.push(await sealPart(bytes, head, source, own, context));
      bytes.fill(0);
    }
    return (draft) => {
      for (const each of made) storeObject(each, draft, context);
      return { uniqueIdentifiers: made.map(({ uniqueIdentifier }) => uniqueIdentifier) };
    };
  },
});

async function sourceOf(
  named: string | undefined,
  attributes: readonly AttributeInstance[],
  context: Context,
): Promise<Source> {
  if (named === undefined) {
    const length = numberOf(attributes, 'Cryptographic Length') ?? 0;
    const algorithm = numberOf(attributes, 'Cryptographic Algorithm');
    if (algorithm === undefined || length <= 0 || length > 4096 || length % 8 !== 0) {
      throw new KmipError(ResultReason.InvalidField, 'No key of this algorithm and length');
    }
    const secret = context.random(length / 8);
    return { secret, format: KeyFormatType.Raw, algorithm, length };
  }
  const object = context.target(context.keystore, named);
  // Parts can be fetched, and so would the key be that may not leave.
  refuseHidden(object);
  const { algorithm, length, uniqueIdentifier } = object;
  using key = await openKey(object, context);
  const secret = Buffer.from(key.bytes());
  const format = formatOf(object) ?? KeyFormatType.Raw;
  return { secret, format, algorithm, length, identifier: uniqueIdentifier };
}

function sealPart(
  bytes: Buffer,
  head: readonly Item[],
  source: Source,
  attributes: readonly AttributeInstance[],
  context: Context,
): Promise<NewObject> {
  const { algorithm, length, format } = source;
  const block: Item[] = [{ tag: Tag.KeyFormatType, type: 'Enumeration', value: format }];
  const said: AttributeInstance[] = [];
  if (algorithm !== 0) {
    block.push(
      { tag: Tag.CryptographicAlgorithm, type: 'Enumeration', value: algorithm },
      { tag: Tag.CryptographicLength, type: 'Integer', value: length },
    );
    const add = (name: string, type: 'Enumeration' | 'Integer', value: number): void => {
      said.push({ name, index: 0, value: { type, value } });
    };
    add('Cryptographic Algorithm', 'Enumeration', algorithm);
    add('Cryptographic Length', 'Integer', length);
  }
  if (source.identifier !== undefined) {
    const index = attributes.filter(({ name }) => name === 'Link').length;
    const value = linkValue(LinkType.ParentLink, source.identifier);
    said.push({ name: 'Link', index, value });
  }
  const names = new Set(['Cryptographic Algorithm', 'Cryptographic Length']);
  return sealObject(
    {
      objectType: ObjectType.SplitKey,
      attributes: [...attributes.filter(({ name }) => !names.has(name)), ...said],
      form: [...head, { tag: Tag.KeyBlock, type: 'Structure', value: block }],
      secret: {
        tag: Tag.KeyValue,
        type: 'Structure',
        value: [{ tag: Tag.KeyMaterial, type: 'ByteString', value: bytes }],
      },
      digestBytes: bytes,
      keyFormatType: format,
      made: true,
    },
    context,
  );
}
