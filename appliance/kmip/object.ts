import { ObjectType, ResultReason } from './enumeration.ts';
import { KmipError } from './error.ts';
import { Tag } from './tag.ts';
import type { Item } from '../ttlv/item.ts';

/** The tag under which an object's structure travels (KMIP 1.4 §2.2). */
export const objectTag = {
  [ObjectType.Certificate]: Tag.Certificate,
  [ObjectType.SymmetricKey]: Tag.SymmetricKey,
  [ObjectType.PublicKey]: Tag.PublicKey,
  [ObjectType.PrivateKey]: Tag.PrivateKey,
  [ObjectType.SplitKey]: Tag.SplitKey,
  [ObjectType.Template]: Tag.Template,
  [ObjectType.SecretData]: Tag.SecretData,
  [ObjectType.OpaqueObject]: Tag.OpaqueObject,
  [ObjectType.PGPKey]: Tag.PGPKey,
  [ObjectType.CertificateRequest]: Tag.CertificateRequest,
} as const satisfies Record<ObjectType, number>;

/** Where the secret of an object's structure stands: the only part that is sealed. */
const secretPath: Readonly<Partial<Record<ObjectType, readonly number[]>>> = {
  [ObjectType.Certificate]: [Tag.CertificateValue],
  [ObjectType.SymmetricKey]: [Tag.KeyBlock, Tag.KeyValue],
  [ObjectType.PublicKey]: [Tag.KeyBlock, Tag.KeyValue],
  [ObjectType.PrivateKey]: [Tag.KeyBlock, Tag.KeyValue],
  [ObjectType.SplitKey]: [Tag.KeyBlock, Tag.KeyValue],
  [ObjectType.SecretData]: [Tag.KeyBlock, Tag.KeyValue],
  [ObjectType.OpaqueObject]: [Tag.OpaqueDataValue],
  [ObjectType.PGPKey]: [Tag.KeyBlock, Tag.KeyValue],
  [ObjectType.CertificateRequest]: [Tag.CertificateRequestValue],
};

/** An object's structure taken apart: what may lie open, and the item that holds its secret. */
export interface TakenApart {
  readonly form: readonly Item[];
  /** Undefined where a Key Block has no Key Value: it is kept elsewhere (KMIP 1.4 §3.41). */
  readonly secret: Item | undefined;
}

/**
 * Takes the secret item out of an object's structure. Throws KmipError Invalid Field where the
 * structure has none.
 */
export function takeApart(objectType: ObjectType, object: Item): TakenApart {
  const path = secretPath[objectType];
  if (path === undefined || object.type !== 'Structure') throw malformed();
  const [first, second] = path;
  if (second === undefined) {
    const secret = object.value.find((item) => item.tag === first);
    if (secret === undefined) throw malformed();
    return { form: object.value.filter((item) => item !== secret), secret };
  }
  const block = object.value.find((item) => item.tag === first);
  if (block?.type !== 'Structure') throw malformed();
  const secret = block.value.find((item) => item.tag === second);
  if (secret === undefined) return { form: object.value, secret };
  const open: Item = {
    tag: block.tag,
    type: 'Structure',
    value: block.value.filter((item) => item !== secret),
  };
  return { form: object.value.map((item) => (item === block ? open : item)), secret };
}

/**
 * The structure that `takeApart` took apart, whole again, in the order of KMIP 1.4 §2.1.3; without
 * its secret where there is none any more.
 */
export function putTogether(
  objectType: ObjectType,
  form: readonly Item[],
  secret: Item | undefined,
): Item {
  const path = secretPath[objectType] ?? [];
  const tag = objectTag[objectType];
  const within = secret === undefined ? [] : [secret];
  if (path.length < 2) return { tag, type: 'Structure', value: [...form, ...within] };
  const value = form.map((item): Item => {
    if (item.tag !== path[0] || item.type !== 'Structure') return item;
    const isHead = (child: Item): boolean =>
      child.tag === Tag.KeyFormatType || child.tag === Tag.KeyCompressionType;
    const head = item.value.filter(isHead);
    const tail = item.value.filter((child) => !isHead(child));
    return { tag: item.tag, type: 'Structure', value: [...head, ...within, ...tail] };
  });
  return { tag, type: 'Structure', value };
}

function malformed(): KmipError {
  return new KmipError(ResultReason.InvalidField, 'The object lacks its value');
}
