import { AdministratorActs } from '../administrator-act.ts';
import type { Reach } from '../appliance.ts';
import { AdminError } from '../error.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';
import {
  addAdministrator,
  addedAdministrator,
  administratorView,
  allowAdministrator,
  knockView,
  z,
} from '../schema.ts';

/** Who administers over HTTPS, and as what. */
export function administratorRoutes(reach: Reach): Route[] {
  const acts = new AdministratorActs(reach);
  return [
    route({
      method: 'GET',
      path: '/v1/administrators',
      role: 'auditor',
      what: 'who administers over HTTPS, and as what',
      answer: z.object({ administrators: z.array(administratorView) }),
      handle: () => ({ administrators: acts.list() }),
    }),
    route({
      method: 'GET',
      path: '/v1/administrators/knocks',
      role: 'officer',
      localOnly: true,
      what: 'certificates without a role that were shown at the admin port, the newest first',
      answer: z.object({ knocks: z.array(knockView) }),
      handle: () => ({ knocks: [...reach.knocks.all()] }),
    }),
    route({
      method: 'POST',
      path: '/v1/administrators',
      role: 'officer',
      what: 'give a certificate a role, or make a key pair that is given out once',
      body: addAdministrator,
      answer: addedAdministrator,
      handle: ({ body, act, local }) => {
        if (!local && body.certificate === undefined) {
          const hint = 'give a certificate with --cert, or do it on the node';
          const message = 'no private key is made for somebody elsewhere';
          throw new AdminError('denied', message, hint);
        }
        return acts.add(body, act);
      },
    }),
    route({
      method: 'POST',
      path: '/v1/administrators/:id/block',
      role: 'officer',
      what: 'shut an administrator out and end the connections',
      answer: administratorView,
      handle: ({ path, act }) => acts.block(path['id'] ?? '', act),
    }),
    route({
      method: 'POST',
      path: '/v1/administrators/:id/allow',
      role: 'officer',
      what: 'let a blocked administrator in, or give another role',
      body: allowAdministrator,
      answer: administratorView,
      handle: ({ path, body, act }) => acts.allow(path['id'] ?? '', body.role, act),
    }),
  ];
}
