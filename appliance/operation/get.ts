import { KeyCompressionType, KeyFormatType, KeyWrapType } from '../kmip/enumeration.ts';
import { ObjectType, Operation } from '../kmip/enumeration.ts';
import { objectTag } from '../kmip/object.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import type { Item } from '../ttlv/item.ts';
import { enumeration, optional, structure } from '../ttlv/structure.ts';
import { toWire } from './attribute-codec.ts';
import { attributeItem, outputObject, refuseClear } from './key-output.ts';
import { objectResponse } from './object-response.ts';
import { defineReading } from './operation.ts';
import type { Context } from './operation.ts';
import { keyWrappingSpecification } from './wrapping.ts';

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
  response: objectResponse(() => undefined),
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
