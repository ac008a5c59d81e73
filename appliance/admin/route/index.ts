import type { Appliance } from '../appliance.ts';
import type { Route } from '../route.ts';
import { clientRoutes } from './client.ts';
import { keyRoutes } from './key.ts';
import { statusRoutes } from './status.ts';

/** The whole admin API. */
export function routesOf(appliance: Appliance): Route[] {
  return [...statusRoutes(appliance), ...clientRoutes(appliance), ...keyRoutes(appliance)];
}
