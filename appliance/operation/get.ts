import { KeyCompressionType, KeyFormatType, KeyWrapType } from '../kmip/enumeration.ts';
import { ObjectType, Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { objectTag } from '../kmip/object.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import type { Item } from '../ttlv/item.ts';
import { enumeration, optional, required, structure } from '../ttlv/structure.ts';
import type { Codec } from '../ttlv/structure.ts';
import { toWire } from './attribute-codec.ts';
import { attributeItem, outputObject, refuseClear } from './key-output.ts';
import { defineReading } from './operation.ts';
import type { Context } from './operation.ts';
import { keyWrappingSpecification } from './wrapping.ts';
import { wipe } from './wipe.ts';

interface GetResponse {
  readonly objectType: ObjectType;
  readonly uniqueIdentifier: string;
  readonly object: Item;
}

const head = structure({
  objectType: required(Tag.ObjectType, enumeration(ObjectType)),
  uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
});

/** The object stands under the tag of its type, so its field cannot be declared by one tag. */
const response: Codec<GetResponse> = {
  read(item, version) {
    const fields = item.type === 'Structure' ? item.value : [];
    const object = fields[2];
    if (object === undefined) throw new KmipError(ResultReason.InvalidMessage, 'No object');
    const first: Item = { tag: item.tag, type: 'Structure', value: fields.slice(0, 2) };
    return { ...head.read(first, version), object };
  },
  write(writer, tag, { objectType, uniqueIdentifier, object }) {
    writer.structure(tag, () => {
      writer.item({ tag: Tag.ObjectType, type: 'Enumeration', value: objectType });
      writer.item({ tag: Tag.UniqueIdentifier, type: 'TextString', value: uniqueIdentifier });
      writer.item(object);
      wipe(object);
    });
  },
};

/** What Get and Export ask alike: which object, in which shape (§4.11, §4.40). */
export const shapeRequest = structure({
  uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
  keyFormatType: optional(Tag.KeyFormatType, enumeration(KeyFormatType)),
  keyWrapType: optional(Tag.KeyWrapType, enumeration(KeyWrapType), { since: 104 }),
  keyCompressionType: optional(Tag.KeyCompressionType, enumeration(KeyCompressionType)),
  keyWrappingSpecification: optional(Tag.KeyWrappingSpecification, keyWrappingSpecification),
});

/** Get (KMIP 1.4 §4.11): the object itself. A deactivated key is given out; its State says so. */
export const get = defineReading({
  operation: Operation.Get,
  since: 100,
  policy: { target: 'object', right: 'get' },
  request: shapeRequest,
  response,
  prepare:
    ({ uniqueIdentifier: named, ...shape }, context) =>
    (view) => {
      const object = context.target(view, named);
      const { objectType, uniqueIdentifier } = object;
      context.place(uniqueIdentifier);
      if (objectType === ObjectType.Template) {
        return { objectType, uniqueIdentifier, object: templateItem(object) };
      }
      refuseClear(object, shape);
      return outputObject(object, shape, context).then((given) => {
        noLongerFresh(object, context);
        return { objectType, uniqueIdentifier, object: given };
      });
    },
});

/**
 * Fresh ends with the first Get (KMIP 1.4 §3.34). Nobody waits for it: a Get never fails because
 * this cannot be written, and it says so again the next time.
 */
export function noLongerFresh(object: ManagedObject, context: Context): void {
  const fresh = object.attributes.find(({ name }) => name === 'Fresh');
  if (fresh?.value.value !== true) return;
  const { uniqueIdentifier } = object;
  context.keystore
    .change((draft) => {
      const now = draft.object(uniqueIdentifier)?.attributes.find(({ name }) => name === 'Fresh');
      if (now?.value.value !== true) return;
      draft.append({
        kind: 'attribute-set',
        object: uniqueIdentifier,
        attribute: { name: 'Fresh', index: now.index, value: { type: 'Boolean', value: false } },
        mode: 'modify',
      });
    })
    .catch(() => undefined);
}

/** A template is nothing but its attributes. */
export function templateItem(object: ManagedObject): Item {
  const value = object.attributes
    .filter(({ name }) => name !== 'Name')
    .map((instance) => attributeItem(toWire(instance)));
  return { tag: objectTag[ObjectType.Template], type: 'Structure', value };
}
