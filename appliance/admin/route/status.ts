import type { Reach } from '../appliance.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';
import { statusView } from '../schema.ts';

export function statusRoutes(reach: Reach): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/status',
      role: 'auditor',
      what: 'how the appliance is',
      answer: statusView,
      handle: () => reach.status(),
    }),
  ];
}
