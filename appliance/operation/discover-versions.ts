import { Operation } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { protocolVersion, supportedVersions } from '../kmip/version.ts';
import { repeated, structure } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';

/**
 * Discover Versions (KMIP 1.4 §4.26): all versions, or those of the client's list, in the server's
 * order. It came with 1.1, but every client begins with it, so 1.0 gets its answer too.
 */
export const discoverVersions = defineReading({
  operation: Operation.DiscoverVersions,
  since: 100,
  policy: { target: 'server' },
  request: structure({ protocolVersions: repeated(Tag.ProtocolVersion, protocolVersion) }),
  response: structure({ protocolVersions: repeated(Tag.ProtocolVersion, protocolVersion) }),
  prepare:
    ({ protocolVersions: asked }) =>
    () => ({
      protocolVersions: supportedVersions.filter(
        ({ major, minor }) =>
          asked.length === 0 || asked.some((each) => each.major === major && each.minor === minor),
      ),
    }),
});
