import { ticket } from '../kmip/credential.ts';
import { Operation } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { required, structure } from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';
import { rights, termFields, termsOf } from './ticket.ts';

/**
 * Delegated Login (KMIP 2.1 §6.1.12): a ticket under which a client of the same key group may do
 * what its rights say, and nothing else. Who bears it needs a certificate that was let in.
 */
export const delegatedLogin = defineReading({
  operation: Operation.DelegatedLogin,
  since: 200,
  policy: { target: 'server' },
  request: structure({ ...termFields, rights: required(Tag.Rights, rights) }),
  response: structure({ ticket: required(Tag.Ticket, ticket) }),
  prepare: (request, context) => () => ({
    ticket: context.tickets.issue(termsOf(request, request.rights, context.now()), 'group'),
  }),
});
