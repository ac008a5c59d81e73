import type { Parameters } from '../cryptography/parameters.ts';
import { BlockCipherMode, LinkType } from '../kmip/enumeration.ts';
import type { CryptographicAlgorithm } from '../kmip/enumeration.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { openKey } from './key-use.ts';
import { linked } from './link.ts';
import type { Context } from './operation.ts';

/** The bytes a cipher is begun with; wiped when disposed. */
export interface CipherKey extends Disposable {
  readonly algorithm: CryptographicAlgorithm;
  readonly bytes: Buffer;
}

/**
 * The key of a symmetric object. XTS takes two: the object's own and that of its Next Link, or
 * both from one object of double length (KMIP Profiles 1.4, AES XTS).
 */
export async function cipherKey(
  object: ManagedObject,
  parameters: Parameters,
  context: Context,
): Promise<CipherKey> {
  using first = await openKey(object, context);
  const next =
    parameters.blockCipherMode === BlockCipherMode.XTS
      ? linked(object, LinkType.NextLink)
      : undefined;
  const parts = [first.bytes()];
  // The second key is the client's as the first one is, or it is not found.
  const other = next === undefined ? undefined : context.target(context.keystore, next);
  using second = other === undefined ? undefined : await openKey(other, context);
  if (second !== undefined) parts.push(second.bytes());
  const bytes = Buffer.concat(parts);
  return {
    algorithm: first.algorithm,
    bytes,
    [Symbol.dispose]: () => {
      bytes.fill(0);
    },
  };
}
