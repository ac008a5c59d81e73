import { ProfileName } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { enumeration, integer, optional, required, structure } from '../ttlv/structure.ts';
import type { Decoded } from '../ttlv/structure.ts';

/** A profile that the server keeps (KMIP 2.1 §7.27); 2.x says of which version. */
export const profileInformation = structure({
  profileName: required(Tag.ProfileName, enumeration(ProfileName)),
  profileVersion: optional(
    Tag.ProfileVersion,
    structure({
      major: required(Tag.ProfileVersionMajor, integer),
      minor: required(Tag.ProfileVersionMinor, integer),
    }),
    { since: 200 },
  ),
});

type Name = keyof typeof ProfileName;
type Stem = Name extends infer N ? (N extends `${infer S}KMIPV1_${number}` ? S : never) : never;

/**
 * The profiles of 1.x by the minor versions in which every case of theirs passes, or which have
 * none of their own. The encodings are not among them: a configuration may not serve them.
 */
const in1: Readonly<Partial<Record<Stem, readonly number[]>>> = {
  BaselineServerBasic: [2, 3, 4],
  BaselineServerTLSV1_2: [2, 3, 4],
  TapeLibraryServer: [0, 1, 2],
  SymmetricKeyLifecycleServer: [0, 1, 2, 3, 4],
  AsymmetricKeyLifecycleServer: [0, 1, 2],
  BasicCryptographicServer: [3, 4],
  AdvancedCryptographicServer: [3, 4],
  RNGCryptographicServer: [2, 3, 4],
  SymmetricKeyFoundryServer: [0, 1, 2],
  OpaqueManagedObjectStoreServer: [0, 1, 2, 3, 4],
  StorageArrayWithSelfEncryptingDriveServer: [0, 1, 2, 3, 4],
};

/** 2.x names a profile without its version. */
const in2: readonly Name[] = [
  'BaselineServer',
  'SymmetricKeyLifecycleServer',
  'BasicCryptographicServer',
  'AdvancedCryptographicServer',
  'RNGCryptographicServer',
  'OpaqueManagedObjectStoreServer',
  'StorageArrayWithSelfEncryptingDriveServer',
  'AESXTSServer',
];

/** The profiles as a protocol version knows them; 1.4 is 104. 1.x has those of the ones before. */
export function profilesIn(version: number): Decoded<typeof profileInformation>[] {
  if (version >= 200) {
    const profileVersion = { major: Math.floor(version / 100), minor: version % 100 };
    return in2.map((name) => ({ profileName: ProfileName[name], profileVersion }));
  }
  return Object.entries(in1).flatMap(([stem, minors]) =>
    minors
      .filter((minor) => 100 + minor <= version)
      .map((minor) => ({ profileName: ProfileName[`${stem}KMIPV1_${minor}` as Name] })),
  );
}
