import type { Reach } from '../appliance.ts';
import { bytesRoute, route } from '../route.ts';
import type { Route } from '../route.ts';
import {
  backupFolder,
  backupView,
  createBackup,
  madeView,
  restoreChoice,
  restoredView,
} from '../schema.ts';
import { verifiedView, z } from '../schema.ts';

export function backupRoutes({ opened }: Reach): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/backups',
      role: 'auditor',
      what: 'the backups in a folder of the node, oldest first',
      query: backupFolder,
      answer: z.object({ backups: z.array(backupView) }),
      handle: ({ query }) => ({ backups: opened().backups.list(query.folder) }),
    }),
    route({
      method: 'POST',
      path: '/v1/backups',
      role: 'operator',
      what: 'make a backup on the node and read it back',
      body: createBackup,
      answer: madeView,
      handle: ({ body, act }) => opened().backups.create(body.to, act),
    }),
    bytesRoute({
      method: 'POST',
      path: '/v1/backups/stream',
      role: 'operator',
      what: 'make a backup for whoever asks',
      handle: ({ act }) => opened().backups.stream(act),
    }),
    route({
      method: 'POST',
      path: '/v1/backups/verify',
      role: 'operator',
      what: 'read a backup to its end and compare every key with its record',
      takesBytes: true,
      answer: verifiedView,
      handle: ({ bytes, act }) => opened().backups.verify(bytes, act),
    }),
    route({
      method: 'POST',
      path: '/v1/losses/acceptance',
      role: 'officer',
      what: 'go on without the records that an older database lacks',
      body: z.object({}),
      answer: z.object({ accepted: z.boolean() }),
      handle: async ({ act }) => {
        const { acceptLoss, keystore } = opened();
        const accepted = await acceptLoss();
        const outcome = accepted ? 'success' : 'failed';
        keystore.note({ ...act, act: 'database accept-loss', outcome });
        return { accepted };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/restores',
      role: 'officer',
      what: 'take the records of a backup in that are not here, or replace what is here by them',
      takesBytes: true,
      query: restoreChoice,
      answer: restoredView,
      handle: ({ bytes, act, query }) => {
        const { replace: name, save_to: saveTo = '' } = query;
        const replacing = name === undefined ? {} : { replacing: { name, saveTo } };
        const fromRemoved = query.from_removed === 'yes';
        return opened().backups.restore(bytes, act, { fromRemoved, ...replacing });
      },
    }),
  ];
}
