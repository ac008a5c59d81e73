import { AdminError } from './error.ts';
import type { Role, Route } from './route.ts';
import { mayDo } from './route.ts';

/** Who asks, and how he came. */
export interface Asker {
  /** As it stands in the audit. */
  readonly actor: string;
  readonly role: Role;
  /** Over the socket on the node, not over HTTPS. */
  readonly local: boolean;
}

/** Whoever can open the socket on the node: its folder and group say who that is. */
export const localAdministrator: Asker = { actor: 'admin:local', role: 'officer', local: true };

const names: Readonly<Record<Role, string>> = {
  auditor: 'auditors',
  operator: 'operators',
  officer: 'security officers',
};

/** The one place that decides who may ask for what. Throws AdminError `denied`. */
export function authorise(
  asker: Asker | undefined,
  route: Pick<Route, 'role' | 'localOnly'>,
): Asker {
  if (asker === undefined) {
    throw new AdminError('denied', 'nobody knows this certificate', 'twinlock administrator add');
  }
  if (!mayDo(asker.role, route.role)) {
    const hint = 'ask one of them, or see `twinlock administrator list`';
    throw new AdminError('denied', `this is for ${names[route.role]}`, hint);
  }
  if (route.localOnly === true && !asker.local) {
    const hint = 'what is secret never goes over the network: do it there';
    throw new AdminError('denied', 'this is done on the node itself', hint);
  }
  return asker;
}
