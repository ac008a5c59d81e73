import { TtlvError } from '../ttlv/error.ts';
import type { Codec } from '../ttlv/structure.ts';

/**
 * A Unique Identifier: text; in 2.x also a Unique Identifier Enumeration, which stands for what an
 * earlier item of the batch answered, or the number of an identifier of the one before (KMIP 2.1
 * §4.60). The latter two are kept as text that no object is called.
 */
export const identifier: Codec<string> = {
  read(item, version) {
    if (item.type === 'TextString') return item.value;
    if (version >= 200 && item.type === 'Enumeration') return `${mark}enumeration ${item.value}`;
    if (version >= 200 && item.type === 'Integer') return `${mark}number ${item.value}`;
    throw new TtlvError('bad-type', item.tag);
  },
  write(writer, tag, value) {
    writer.item({ tag, type: 'TextString', value });
  },
};

const mark = '\u0000';

/** What an identifier that is no text stands for; undefined for one that is. */
export function referenceOf(
  text: string,
): { readonly form: 'enumeration' | 'number'; readonly value: number } | undefined {
  if (!text.startsWith(mark)) return undefined;
  const [form, value] = text.slice(mark.length).split(' ');
  return { form: form === 'number' ? 'number' : 'enumeration', value: Number(value) };
}
