import type { Reach } from '../appliance.ts';
import { AdminError } from '../error.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';
import { copyPolicy, invitationView, joinRequest, pairingView, peersView, z } from '../schema.ts';

/** The other node: pairing, how it is, removing it, and how many copies a key needs. */
export function pairRoutes(reach: Reach): Route[] {
  return [
    ...clusterRoutes(reach),
    route({
      method: 'GET',
      path: '/v1/peers',
      role: 'auditor',
      what: 'the other nodes, and keys with a single copy',
      answer: peersView,
      handle: () => reach.opened().pair.peers(),
    }),
    route({
      method: 'POST',
      path: '/v1/peers/invitations',
      role: 'officer',
      what: 'make a one-time code for a new node, in place of any earlier one',
      localOnly: true,
      answer: invitationView,
      handle: async ({ act }) => {
        const { pair, keystore } = reach.opened();
        const invitation = await pair.invite();
        keystore.note({ ...act, act: 'peer invite', outcome: 'success' });
        return invitation;
      },
    }),
    route({
      method: 'GET',
      path: '/v1/peers/pairing',
      role: 'auditor',
      what: 'how a pairing stands, on either node',
      answer: pairingView,
      handle: () => reach.pairing(),
    }),
    route({
      method: 'POST',
      path: '/v1/peers/join',
      role: 'officer',
      what: 'join the node that made this code; only a new node can',
      localOnly: true,
      body: joinRequest,
      answer: pairingView,
      handle: async ({ body }) => {
        await reach.joins().join(body);
        return reach.pairing();
      },
    }),
  ];
}

/** What is decided for all nodes. */
function clusterRoutes(reach: Reach): Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/peers/:node/remove',
      role: 'officer',
      what: 'cut a node off for good; its slots go by the keeper’s console',
      answer: z.object({ node: z.string() }),
      handle: async ({ path, act }) => {
        const { keystore, pair } = reach.opened();
        const node = path['node'] ?? '';
        const { peers } = await pair.peers();
        const peer = peers.find((each) => each.node === node);
        if (peer === undefined) {
          throw new AdminError('not-found', 'no such node', 'see `twinlock peer status`');
        }
        await keystore.change((draft) => {
          if (peer.state !== 'unfinished') draft.append({ kind: 'member-removed', node });
          draft.audit({ ...act, act: 'peer remove', object: node, outcome: 'success' });
        });
        return { node };
      },
    }),
    route({
      method: 'PUT',
      path: '/v1/peers/policy',
      role: 'officer',
      what: 'how many copies a new key needs while the other node is away',
      body: copyPolicy,
      answer: copyPolicy,
      handle: async ({ body, act }) => {
        const { keystore, pair } = reach.opened();
        await keystore.change((draft) => {
          const seconds = body.policy === 'alone-for' ? body.seconds : 0;
          draft.append({ kind: 'copy-policy-set', policy: body.policy, seconds });
          draft.audit({ ...act, act: 'peer policy', object: body.policy, outcome: 'success' });
        });
        return (await pair.peers()).policy;
      },
    }),
  ];
}
