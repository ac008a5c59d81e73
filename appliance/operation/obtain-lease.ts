import { Operation, ResultReason, State } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { dateTime, interval, optional, required, structure } from '../ttlv/structure.ts';
import { leaseSeconds } from './object-attribute.ts';
import { defineReading } from './operation.ts';

/**
 * Obtain Lease (KMIP 1.4 §4.17): for how long the client may go on with what it got, and since when
 * the object is as it is. Leases bind clients; the server keeps none, and each may be renewed.
 */
export const obtainLease = defineReading({
  operation: Operation.ObtainLease,
  since: 100,
  policy: { target: 'object', right: 'use' },
  request: structure({ uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier) }),
  response: structure({
    uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
    leaseTime: required(Tag.LeaseTime, interval),
    lastChangeDate: required(Tag.LastChangeDate, dateTime),
  }),
  prepare: (request, context) => (view) => {
    const object = context.target(view, request.uniqueIdentifier);
    const { uniqueIdentifier, lastChangeDate } = object;
    // Nobody is to go on with a key that others may have (KMIP 1.4 §4.17).
    if (object.state === State.Compromised) {
      throw new KmipError(ResultReason.PermissionDenied, 'A compromised object has no lease');
    }
    context.place(uniqueIdentifier);
    return { uniqueIdentifier, leaseTime: leaseSeconds, lastChangeDate };
  },
});
