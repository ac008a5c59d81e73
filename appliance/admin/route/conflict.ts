import type { Conflict } from '../../keystore/conflict.ts';
import type { Reach } from '../appliance.ts';
import { AdminError } from '../error.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';
import { conflictView, z } from '../schema.ts';

const shown = 1_000;

/** What two nodes said at once and cannot both hold. */
export function conflictRoutes(reach: Reach): Route[] {
  const find = (id: string): Conflict => {
    const found = reach.opened().keystore.conflicts(shown);
    const conflict = found.find((each) => each.id === id);
    if (conflict !== undefined) return conflict;
    throw new AdminError('not-found', `no conflict ${id}`, 'see `twinlock conflict list`');
  };
  return [
    route({
      method: 'GET',
      path: '/v1/conflicts',
      role: 'auditor',
      what: 'what differs between what two nodes said',
      answer: z.object({ conflicts: z.array(conflictView).readonly() }),
      handle: () => ({ conflicts: reach.opened().keystore.conflicts(shown) }),
    }),
    route({
      method: 'POST',
      path: '/v1/conflicts/:id/acknowledge',
      role: 'officer',
      what: 'say that nothing more is to be done about a conflict',
      answer: conflictView,
      handle: async ({ path, act }) => {
        const { keystore } = reach.opened();
        const { id, settled } = find(path['id'] ?? '');
        if (!settled) {
          await keystore.change((draft) => {
            draft.append({ kind: 'conflict-acknowledged', conflict: id });
            draft.audit({ ...act, act: 'conflict acknowledge', object: id, outcome: 'success' });
          });
        }
        return find(id);
      },
    }),
  ];
}
