import { parse } from 'smol-toml';

/** The value of a TOML text. Throws an error whose first line says where it is wrong. */
export function parseToml(text: string): unknown {
  return parse(text);
}
