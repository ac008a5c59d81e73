import type { Reach } from '../appliance.ts';
import { ClientActs } from '../client-act.ts';
import { GroupActs } from '../group-act.ts';
import { AdminError } from '../error.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';
import {
  addAuthority,
  addClient,
  addedClient,
  clearGroup,
  clientView,
  configurer,
  groupView,
  makeGroup,
  signRequest,
  z,
} from '../schema.ts';

/** KMIP clients. */
export function clientRoutes(reach: Reach): Route[] {
  const clients = new ClientActs(reach);
  return [
    route({
      method: 'GET',
      path: '/v1/clients',
      role: 'auditor',
      what: 'all clients',
      answer: z.object({ clients: z.array(clientView) }),
      handle: () => ({ clients: clients.list() }),
    }),
    route({
      method: 'POST',
      path: '/v1/clients',
      role: 'officer',
      what: 'let a certificate in, or make a key pair that is given out once',
      body: addClient,
      answer: addedClient,
      handle: ({ body, act, local }) => {
        if (!local && body.certificate === undefined) throw keyStays();
        return clients.add(body, act);
      },
    }),
    route({
      method: 'POST',
      path: '/v1/clients/sign-csr',
      role: 'officer',
      what: 'sign a certificate request and let the certificate in',
      body: signRequest,
      answer: addedClient,
      handle: ({ body, act }) => clients.sign(body, act),
    }),
    route({
      method: 'POST',
      path: '/v1/clients/authorities',
      role: 'officer',
      what: 'have what this authority signed wait for a person',
      body: addAuthority,
      answer: clientView,
      handle: ({ body, act }) => clients.addAuthority(body, act),
    }),
    route({
      method: 'POST',
      path: '/v1/clients/:id/block',
      role: 'officer',
      what: 'shut a client out and end its connections',
      answer: clientView,
      handle: ({ path, act }) => clients.block(path['id'] ?? '', act),
    }),
    route({
      method: 'POST',
      path: '/v1/clients/:id/allow',
      role: 'officer',
      what: 'let a pending or blocked client in',
      answer: clientView,
      handle: ({ path, act }) => clients.allow(path['id'] ?? '', act),
    }),
  ];
}

/** The key groups that clients belong to. */
export function groupRoutes(reach: Reach): Route[] {
  const groups = new GroupActs(reach);
  const clients = new ClientActs(reach);
  return [
    route({
      method: 'GET',
      path: '/v1/groups',
      role: 'auditor',
      what: 'all key groups',
      answer: z.object({ groups: z.array(z.string()) }),
      handle: () => ({ groups: [...reach.opened().keystore.groups()] }),
    }),
    route({
      method: 'POST',
      path: '/v1/groups',
      role: 'officer',
      what: 'make a key group',
      body: makeGroup,
      answer: z.object({ group: z.string() }),
      handle: async ({ body: { name }, act }) => {
        await clients.makeGroup(name, act);
        return { group: name };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/groups/:group',
      role: 'auditor',
      what: 'a key group’s rules, and which clients may set them',
      answer: groupView,
      handle: ({ path }) => groups.show(path['group'] ?? ''),
    }),
    route({
      method: 'POST',
      path: '/v1/groups/:group/clear',
      role: 'officer',
      what: 'take a key group’s defaults or constraints away',
      body: clearGroup,
      answer: groupView,
      handle: ({ path, body, act }) => groups.clear(path['group'] ?? '', body.rule, act),
    }),
    route({
      method: 'POST',
      path: '/v1/groups/:group/configurers',
      role: 'officer',
      what: 'let a client set its key group’s rules, or no longer',
      body: configurer,
      answer: groupView,
      handle: ({ path, body, act }) => groups.configure(path['group'] ?? '', body, act),
    }),
  ];
}

/** A private key is given out on the node alone. */
function keyStays(): AdminError {
  const hint = 'make the key where it is used, and have its request signed: client sign-csr';
  return new AdminError('denied', 'no private key is made for somebody elsewhere', hint);
}
