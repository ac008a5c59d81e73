import { anyItem, byteString, enumeration, required, structure } from '../ttlv/structure.ts';
import type { Decoded } from '../ttlv/structure.ts';
import { CredentialType, TicketType } from './enumeration.ts';
import { Tag } from './tag.ts';

/**
 * A credential is read and set aside: who a client is, its certificate alone says. vCenter sends a
 * name and a password with some operations and not with others, so they could never be required.
 * A ticket alone counts, and only takes away from what the certificate allows.
 */
export const credential = structure({
  credentialType: required(Tag.CredentialType, enumeration(CredentialType)),
  credentialValue: required(Tag.CredentialValue, anyItem),
});

/** What Login gives and Logout ends (KMIP 2.1 §7.39). */
export const ticket = structure({
  ticketType: required(Tag.TicketType, enumeration(TicketType)),
  ticketValue: required(Tag.TicketValue, byteString),
});

export type Ticket = Decoded<typeof ticket>;

const ticketCredential = structure({ ticket: required(Tag.Ticket, ticket) });

/** The tickets among credentials (KMIP 2.1 §9.11). Throws TtlvError for one that is malformed. */
export function ticketsAmong(
  credentials: readonly Decoded<typeof credential>[],
  version: number,
): Ticket[] {
  return credentials
    .filter(({ credentialType }) => credentialType === CredentialType.Ticket)
    .map(({ credentialValue }) => ticketCredential.read(credentialValue, version).ticket);
}
