import { ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { ProtectionStorageMask } from '../kmip/mask.ts';
import { Tag } from '../kmip/tag.ts';
import { integer, optional, repeated, structure } from '../ttlv/structure.ts';
import type { Codec } from '../ttlv/structure.ts';

/** Where keys lie here: in software, on the system itself. Query says the same. */
export const protectionStorage = ProtectionStorageMask.Software | ProtectionStorageMask.OnSystem;

const masks = structure({ each: repeated(Tag.ProtectionStorageMask, integer) });

const unavailable: Readonly<Record<number, ResultReason>> = {
  [Tag.PrivateProtectionStorageMasks]: ResultReason.PrivateProtectionStorageUnavailable,
  [Tag.PublicProtectionStorageMasks]: ResultReason.PublicProtectionStorageUnavailable,
};

/**
 * The storage that a client takes for a new object: one of the masks has to be ours with all its
 * bits (KMIP 2.1 §7.33). Reading throws KmipError (Private, Public) Protection Storage Unavailable.
 */
const acceptable: Codec<readonly number[]> = {
  read(item, version) {
    const { each } = masks.read(item, version);
    if (each.length === 0 || each.some((mask) => (mask & protectionStorage) === mask)) return each;
    const reason = unavailable[item.tag] ?? ResultReason.ProtectionStorageUnavailable;
    throw new KmipError(reason, 'Objects are not kept in such storage here');
  },
  write(writer, tag, each, version) {
    masks.write(writer, tag, { each }, version);
  },
};

/** The field of a request that makes one object. */
export const storageField = {
  storage: optional(Tag.ProtectionStorageMasks, acceptable, { since: 200 }),
} as const;

/** The fields of a request that makes a pair. */
export const pairStorageFields = {
  commonStorage: optional(Tag.CommonProtectionStorageMasks, acceptable, { since: 200 }),
  privateStorage: optional(Tag.PrivateProtectionStorageMasks, acceptable, { since: 200 }),
  publicStorage: optional(Tag.PublicProtectionStorageMasks, acceptable, { since: 200 }),
} as const;
