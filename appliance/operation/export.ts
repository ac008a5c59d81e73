import { ObjectType, Operation } from '../kmip/enumeration.ts';
import { putTogether } from '../kmip/object.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import type { Item } from '../ttlv/item.ts';
import { attribute, toWire } from './attribute-codec.ts';
import type { WireAttribute } from './attribute-codec.ts';
import { shapeRequest, templateItem } from './get.ts';
import { isDestroyed } from '../keystore/imported.ts';
import { outputObject, refuseClear } from './key-output.ts';
import type { Shape } from './key-output.ts';
import { attributesOf } from './object-attribute.ts';
import { objectResponse } from './object-response.ts';
import type { ObjectResponse } from './object-response.ts';
import { defineReading } from './operation.ts';
import type { Context } from './operation.ts';

interface ExportResponse extends ObjectResponse {
  readonly attributes: readonly WireAttribute[];
}

/** All attributes stand before the object. */
const response = objectResponse<ExportResponse>((writer, { attributes }, version) => {
  const each = (): void => {
    for (const one of attributes) attribute.write(writer, Tag.Attribute, one, version);
  };
  if (version < 200) each();
  else writer.structure(Tag.Attributes, each);
});

/**
 * Export (KMIP 1.4 §4.40): the object with all its attributes, as Import takes it elsewhere. What
 * may not leave in a Get does not leave here. Of a destroyed object the form is left, and no key.
 */
export const exportObject = defineReading({
  operation: Operation.Export,
  since: 104,
  policy: { target: 'object', right: 'export' },
  request: shapeRequest,
  response,
  prepare:
    ({ uniqueIdentifier: named, ...shape }, context) =>
    (view) => {
      const object = context.target(view, named);
      const { objectType, uniqueIdentifier } = object;
      context.place(uniqueIdentifier);
      const attributes = attributesOf(object, context.version).map(toWire);
      const said = { objectType, uniqueIdentifier, attributes };
      return shaped(object, shape, context).then((given) => ({ ...said, object: given }));
    },
});

async function shaped(object: ManagedObject, shape: Shape, context: Context): Promise<Item> {
  if (object.objectType === ObjectType.Template) return templateItem(object);
  if (isDestroyed(object)) return putTogether(object.objectType, object.form, undefined);
  refuseClear(object, shape);
  return outputObject(object, shape, context);
}
