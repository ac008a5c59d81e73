import { EndpointRole, Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { Tag } from '../kmip/tag.ts';
import { enumeration, required, structure } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';

const role = { endpointRole: required(Tag.EndpointRole, enumeration(EndpointRole)) } as const;

/**
 * Set Endpoint Role (KMIP 2.1 §6.1.54). The server keeps its role and says so; it never becomes a
 * client of its clients: Permission Denied.
 */
export const setEndpointRole = defineReading({
  operation: Operation.SetEndpointRole,
  since: 200,
  policy: { target: 'server' },
  request: structure(role),
  response: structure(role),
  prepare: (request) => () => {
    if (request.endpointRole !== EndpointRole.Server) {
      throw new KmipError(ResultReason.PermissionDenied, 'The server stays the server');
    }
    return { endpointRole: EndpointRole.Server };
  },
});
