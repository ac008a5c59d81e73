import type { ObjectType } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { TtlvError } from '../ttlv/error.ts';
import type { Writer } from '../ttlv/encode.ts';
import type { Item } from '../ttlv/item.ts';
import type { Codec } from '../ttlv/structure.ts';
import { wipe } from './wipe.ts';

/** An answer that gives an object out. */
export interface ObjectResponse {
  readonly objectType: ObjectType;
  readonly uniqueIdentifier: string;
  readonly object: Item;
}

/**
 * The codec of such an answer: the object stands under the tag of its type, so that its field
 * cannot be declared by one tag; what was in it is overwritten once it is written. `between`: what
 * stands before the object.
 */
export function objectResponse<R extends ObjectResponse>(
  between: (writer: Writer, value: R, version: number) => void,
): Codec<R> {
  return {
    read(item) {
      throw new TtlvError('unexpected-item', item.tag);
    },
    write(writer, tag, value, version) {
      const { objectType, uniqueIdentifier, object } = value;
      writer.structure(tag, () => {
        writer.item({ tag: Tag.ObjectType, type: 'Enumeration', value: objectType });
        writer.item({ tag: Tag.UniqueIdentifier, type: 'TextString', value: uniqueIdentifier });
        between(writer, value, version);
        writer.item(object);
        wipe(object);
      });
    },
  };
}
