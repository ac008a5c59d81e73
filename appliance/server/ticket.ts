import { TicketType } from '../kmip/enumeration.ts';
import type { Operation } from '../kmip/enumeration.ts';
import { ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import type { Ticket } from '../kmip/credential.ts';
import type { Client } from '../keystore/client.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { shownIdentifier } from '../keystore/imported.ts';
import type { RightTerms, Terms } from '../operation/ticket.ts';
import { serverLimits } from './limit.ts';

/** A ticket that was given out. */
export interface Grant {
  readonly issuer: Client;
  /** Good for the client it was given to, or for any client of its key group. */
  readonly bearer: 'self' | 'group';
  readonly expires: number;
  readonly rights?: readonly (Omit<RightTerms, 'uses'> & { uses: bigint })[];
  requests: number;
  operations: bigint;
}

/**
 * The tickets of Login and Delegated Login (KMIP 2.1 §6.1.12, §6.1.30). They live in the memory of
 * the node that gave them; after a restart, or at the other node, a client logs in again. A ticket
 * only takes away from what its bearer's certificate allows.
 */
export class Tickets {
  readonly #given = new Map<string, Grant>();

  /** Throws KmipError Server Limit Exceeded. */
  issue(value: Buffer, terms: Terms, issuer: Client, bearer: Grant['bearer'], now: number): Ticket {
    let own = 0;
    for (const [key, grant] of this.#given) {
      if (isOver(grant, now)) this.#given.delete(key);
      else if (grant.issuer.id === issuer.id) own++;
    }
    if (own >= serverLimits.tickets) {
      throw new KmipError(ResultReason.ServerLimitExceeded, 'Too many tickets are out');
    }
    const { expires, requests, operations, rights } = terms;
    const counted = rights === undefined ? {} : { rights: rights.map((each) => ({ ...each })) };
    const grant = { issuer, bearer, expires, requests, operations, ...counted };
    this.#given.set(value.toString('hex'), grant);
    return { ticketType: TicketType.Login, ticketValue: value };
  }

  /** Ends a ticket of a client's own. Throws KmipError Invalid Ticket. */
  end(value: Uint8Array, client: Client): void {
    const key = Buffer.from(value).toString('hex');
    if (this.#given.get(key)?.issuer.id !== client.id) throw invalid();
    this.#given.delete(key);
  }

  /**
   * The grant of a ticket that a request bears, counted as a request. `current`: who its issuer is
   * now. Throws KmipError Invalid Ticket where it is nobody's, not the bearer's, or at an end.
   */
  admit(
    value: Uint8Array,
    bearer: Client,
    now: number,
    current: (fingerprint: string) => Client | undefined,
  ): Grant {
    const grant = this.#given.get(Buffer.from(value).toString('hex'));
    if (grant === undefined || isOver(grant, now) || !isBearer(grant, bearer)) throw invalid();
    const issuer = current(grant.issuer.fingerprint);
    if (issuer?.state !== 'allowed' || issuer.group !== bearer.group) throw invalid();
    grant.requests--;
    return grant;
  }
}

function isOver({ expires, requests, operations }: Grant, now: number): boolean {
  return expires <= now || requests <= 0 || operations <= 0n;
}

function isBearer({ issuer, bearer }: Grant, client: Client): boolean {
  return bearer === 'self' ? issuer.id === client.id : issuer.group === client.group;
}

function invalid(): KmipError {
  return new KmipError(ResultReason.InvalidTicket, 'The ticket is not valid');
}

/**
 * Whether a grant allows an operation, on an object where it has one: within one of its rights
 * (KMIP 2.1 §7.34). A right that names objects is none to do without one.
 */
export function isGranted(
  grant: Grant,
  operation: Operation,
  object: ManagedObject | undefined,
): boolean {
  if (grant.operations <= 0n) return false;
  return grant.rights === undefined || rightFor(grant, operation, object) !== undefined;
}

/** Takes an operation that was let go off what the grant allows. */
export function spendGrant(
  grant: Grant,
  operation: Operation,
  object: ManagedObject | undefined,
): void {
  grant.operations--;
  const right = rightFor(grant, operation, object);
  if (right !== undefined) right.uses--;
}

function rightFor(
  { rights = [] }: Grant,
  operation: Operation,
  object: ManagedObject | undefined,
): { uses: bigint } | undefined {
  return rights.find(({ operations, objects, objectGroups, uses }) => {
    if (uses <= 0n || operations?.includes(operation) === false) return false;
    if (objects !== undefined) {
      if (object === undefined) return false;
      const names = [object.uniqueIdentifier, shownIdentifier(object)];
      if (!objects.some((each) => names.includes(each))) return false;
    }
    if (objectGroups === undefined) return true;
    return (object?.attributes ?? []).some(
      ({ name, value }) =>
        name === 'Object Group' &&
        value.type === 'TextString' &&
        objectGroups.includes(value.value),
    );
  });
}
