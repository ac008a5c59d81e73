import { ResultReason } from '../kmip/enumeration.ts';
import type { Operation } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import type { Client } from '../keystore/client.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import type { Policy } from '../operation/operation.ts';
import { isGranted } from './ticket.ts';
import type { Grant } from './ticket.ts';

/** What a decision may turn on besides the client and the operation. */
export interface Asking {
  readonly object?: ManagedObject;
  /** Whether an administrator lets a client set its key group's rules. */
  readonly mayConfigure?: (client: Client) => boolean;
}

/**
 * The one place that says who may do what. What no line here allows is denied.
 */
export function isAllowed(
  client: Client | undefined,
  policy: Policy,
  { object, mayConfigure }: Asking = {},
): boolean {
  if (client?.state !== 'allowed') return false;
  // Whatever is asked: no client is let at another group's object.
  if (object !== undefined && object.group !== client.group) return false;
  switch (policy.target) {
    case 'server':
      return true;
    case 'group':
      // What holds for all of a key group its clients set only where an administrator lets them.
      return policy.right !== 'configure' || mayConfigure?.(client) === true;
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
