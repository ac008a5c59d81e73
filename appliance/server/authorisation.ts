import { ResultReason } from '../kmip/enumeration.ts';
import type { Operation } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import type { Client } from '../keystore/client.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import type { Policy } from '../operation/operation.ts';
import { isGranted } from './ticket.ts';
import type { Grant } from './ticket.ts';

/**
 * The one place that says who may do what. What no line here allows is denied.
 */
export function isAllowed(
  client: Client | undefined,
  policy: Policy,
  object?: ManagedObject,
): boolean {
  if (client?.state !== 'allowed') return false;
  // Whatever is asked: no client is let at another group's object.
  if (object !== undefined && object.group !== client.group) return false;
  switch (policy.target) {
    case 'server':
    case 'group':
      return true;
    case 'object':
      return object !== undefined;
  }
}

/**
 * Whether all tickets that a request bears let it perform an operation. Without a ticket the
 * certificate alone decides; with one, both have to.
 */
export function isWithinTickets(
  grants: readonly Grant[],
  operation: Operation,
  object?: ManagedObject,
): boolean {
  return grants.every((grant) => isGranted(grant, operation, object));
}

/** The refusal for an object that is not there and for one that is not the client's: the same. */
export function notFound(): KmipError {
  return new KmipError(ResultReason.ObjectNotFound, 'No such object');
}
