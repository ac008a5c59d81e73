import type { Reach } from '../appliance.ts';
import { KeyActs } from '../key-act.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';
import {
  destroyKey,
  keptKeys,
  keptPage,
  keyList,
  keyPage,
  keyView,
  setRetention,
  z,
} from '../schema.ts';

/** Managed objects as an administrator sees them: never their secret bytes. */
export function keyRoutes(reach: Reach): Route[] {
  const keys = new KeyActs(reach);
  return [
    route({
      method: 'GET',
      path: '/v1/keys',
      role: 'auditor',
      what: 'one page of keys, in the order in which this node learnt of them',
      query: keyPage,
      answer: keyList,
      handle: ({ query }) => keys.list(query),
    }),
    route({
      method: 'GET',
      path: '/v1/keys/:id',
      role: 'auditor',
      what: 'one key with its attributes',
      answer: keyView,
      handle: ({ path }) => keys.show(path['id'] ?? ''),
    }),
    route({
      method: 'POST',
      path: '/v1/keys/:id/destroy',
      role: 'officer',
      what: 'destroy a key for every client',
      body: destroyKey,
      answer: keyView,
      handle: ({ path, body, act }) => keys.destroy(path['id'] ?? '', body.confirm, act),
    }),
    route({
      method: 'POST',
      path: '/v1/keys/:id/undestroy',
      role: 'officer',
      what: 'take the destruction of a key back',
      answer: keyView,
      handle: ({ path, act }) => keys.undestroy(path['id'] ?? '', act),
    }),
    ...purgeRoutes(keys),
  ];
}

/** The end of destroyed keys. */
function purgeRoutes(keys: KeyActs): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/kept-keys',
      role: 'auditor',
      what: 'one page of destroyed keys whose material is still kept',
      query: keptPage,
      answer: keptKeys,
      handle: ({ query }) => keys.kept(query),
    }),
    route({
      method: 'PUT',
      path: '/v1/retention',
      role: 'officer',
      what: 'for how long the material of keys is kept that are destroyed from now on',
      body: setRetention,
      answer: z.object({ retention: z.number() }),
      handle: ({ body, act }) => keys.setRetention(body.seconds, act),
    }),
  ];
}
