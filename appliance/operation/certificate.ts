import { CertificateType, ObjectType } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { decode } from '../ttlv/decode.ts';
import { wrongType } from './key-use.ts';
import type { Context } from './operation.ts';

/** The DER of an X.509 certificate object; public, so nobody has to wipe it. */
export async function certificateBytes(object: ManagedObject, context: Context): Promise<Buffer> {
  const type = object.form.find(({ tag }) => tag === Tag.CertificateType)?.value;
  if (object.objectType !== ObjectType.Certificate || type !== CertificateType.X_509) {
    throw wrongType();
  }
  using material = await context.keystore.open(object);
  const secret = decode(material.bytes);
  if (secret.type !== 'ByteString') throw wrongType();
  return Buffer.from(secret.value);
}
