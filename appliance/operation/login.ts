import { ticket } from '../kmip/credential.ts';
import { Operation } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { required, structure } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';
import { termFields, termsOf } from './ticket.ts';

/**
 * Login (KMIP 2.1 §6.1.30): a ticket for later requests of the same client. The certificate still
 * says who the client is, so a ticket ends, or runs out, and never gives more.
 */
export const login = defineReading({
  operation: Operation.Login,
  since: 200,
  policy: { target: 'server' },
  request: structure(termFields),
  response: structure({ ticket: required(Tag.Ticket, ticket) }),
  prepare: (request, context) => () => ({
    ticket: context.tickets.issue(termsOf(request, undefined, context.now()), 'self'),
  }),
});
