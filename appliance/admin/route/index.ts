import type { Reach } from '../appliance.ts';
import type { Route } from '../route.ts';
import { administratorRoutes } from './administrator.ts';
import { auditRoutes } from './audit.ts';
import { backupRoutes } from './backup.ts';
import { certificateRoutes } from './certificate.ts';
import { clientRoutes, groupRoutes } from './client.ts';
import { conflictRoutes } from './conflict.ts';
import { keyRoutes } from './key.ts';
import { pairRoutes } from './pair.ts';
import { statusRoutes } from './status.ts';

/** The whole admin API. */
export function routesOf(reach: Reach): Route[] {
  return [
    ...statusRoutes(reach),
    ...certificateRoutes(reach),
    ...administratorRoutes(reach),
    ...clientRoutes(reach),
    ...groupRoutes(reach),
    ...conflictRoutes(reach),
    ...keyRoutes(reach),
    ...auditRoutes(reach),
    ...pairRoutes(reach),
    ...backupRoutes(reach),
  ];
}
