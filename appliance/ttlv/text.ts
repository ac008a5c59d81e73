import type { Item } from './item.ts';

/**
 * A message as a person reads it in a log: one item a line. Byte strings and big integers are shown
 * by their length only, and so is text under a tag of `secret`.
 */
export function toText(
  item: Item,
  name: (tag: number) => string,
  secret: ReadonlySet<number>,
  indent = '',
): string {
  const head = `${indent}${name(item.tag)}:`;
  switch (item.type) {
    case 'Structure':
      return [head, ...item.value.map((child) => toText(child, name, secret, `${indent}  `))].join(
        '\n',
      );
    case 'ByteString':
    case 'BigInteger':
      return `${head} (${item.value.length} bytes)`;
    case 'TextString':
      return secret.has(item.tag)
        ? `${head} (${item.value.length} characters)`
        : `${head} ${JSON.stringify(item.value)}`;
    default:
      return `${head} ${item.value}`;
  }
}
