import { ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import type { Client } from '../keystore/client.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { isDestroyed, objectNamed } from '../keystore/imported.ts';
import type { ObjectRight, Policy, View } from '../operation/operation.ts';
import { isAllowed, notFound } from './authorisation.ts';

/** What is let at a destroyed object: its attributes stay (KMIP 1.4 §3.22, §4.21, §4.40). */
const ofDestroyed: ReadonlySet<ObjectRight> = new Set<ObjectRight>(['read', 'export', 'revoke']);

/**
 * The object that an item of a client names, if its operation may touch it. Throws KmipError:
 * Object Not Found for one that is not there or not the client's, Object Destroyed, Object
 * Archived.
 */
export function targetOf(
  view: View,
  identifier: string,
  client: Client,
  policy: Policy,
): ManagedObject {
  const object = objectNamed(view, client.group, identifier);
  if (object === undefined || !isAllowed(client, policy, { object })) throw notFound();
  const right = policy.target === 'object' ? policy.right : 'use';
  if (isDestroyed(object) && !ofDestroyed.has(right)) {
    throw new KmipError(ResultReason.ObjectDestroyed, 'No such object');
  }
  const archived = object.attributes.some(({ name }) => name === 'Archive Date');
  if (archived && right !== 'recover') {
    throw new KmipError(ResultReason.ObjectArchived, 'The object is in the archive');
  }
  return object;
}
