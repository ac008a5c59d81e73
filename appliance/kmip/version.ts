import { integer, required, structure } from '../ttlv/structure.ts';
import { Tag } from './tag.ts';

/** A protocol version as the message header carries it (KMIP 1.4 §6.1). */
export interface ProtocolVersion {
  readonly major: number;
  readonly minor: number;
}

export const protocolVersion = structure({
  major: required(Tag.ProtocolVersionMajor, integer),
  minor: required(Tag.ProtocolVersionMinor, integer),
});

/** What the server speaks, the one it prefers first, as Discover Versions lists them (§4.26). */
export const supportedVersions: readonly ProtocolVersion[] = [
  { major: 2, minor: 1 },
  { major: 2, minor: 0 },
  { major: 1, minor: 4 },
  { major: 1, minor: 3 },
  { major: 1, minor: 2 },
  { major: 1, minor: 1 },
  { major: 1, minor: 0 },
];

/** A version as the declared structures compare it: 1.4 is 104. */
export function versionNumber(version: ProtocolVersion): number {
  return version.major * 100 + version.minor;
}

export function isSupported(version: ProtocolVersion): boolean {
  return supportedVersions.some((v) => v.major === version.major && v.minor === version.minor);
}
