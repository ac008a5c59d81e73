import { ticket } from '../kmip/credential.ts';
import { Operation } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { required, structure } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';

/** Logout (KMIP 2.1 §6.1.31): ends a ticket of the client's own. */
export const logout = defineReading({
  operation: Operation.Logout,
  since: 200,
  policy: { target: 'server' },
  request: structure({ ticket: required(Tag.Ticket, ticket) }),
  response: structure({}),
  prepare: (request, context) => () => {
    context.tickets.end(request.ticket.ticketValue);
    return {};
  },
});
