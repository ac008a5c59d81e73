import { Facts } from './fact.ts';
import type { RecordHead } from './record.ts';

/**
 * What somebody may do from elsewhere: an auditor reads; an operator also runs the node; a security
 * officer also decides who gets keys and what becomes of them. Each may all that those before may.
 */
export const administratorRoles = ['auditor', 'operator', 'officer'] as const;
export type AdministratorRole = (typeof administratorRoles)[number];

/** Somebody who administers over HTTPS: one exact certificate with one role, on every node. */
export interface Administrator {
  /** A UUID in text form. */
  readonly id: string;
  readonly name: string;
  readonly role: AdministratorRole;
  /** SHA-256 of the certificate's DER: 64 lower-case hexadecimal digits. */
  readonly fingerprint: string;
  readonly state: 'allowed' | 'blocked';
  /** PEM; certificates are public. */
  readonly certificate: string;
  /** Seconds since 1970. */
  readonly added: number;
}

export interface FoldedAdministrator extends Administrator {
  /** What an allowing record has to name: the blocks it lifts, the allowances it replaces. */
  readonly heads: readonly string[];
}

/** The kinds of record that speak of administrators. */
export const administratorKinds = [
  'administrator-enrolled',
  'administrator-allowed',
  'administrator-blocked',
] as const;

/** All administrators as their records have it, those added first before the others. */
export function foldAdministrators(records: Iterable<RecordHead>): FoldedAdministrator[] {
  const bySubject = Map.groupBy(records, ({ object }) => object);
  const folded = [...bySubject.values()].map(foldOne).filter((one) => one !== undefined);
  return folded.sort((a, b) => a.added - b.added || (a.id < b.id ? -1 : 1));
}

/** Of what nobody saw together the more restrictive holds: blocked, or else the lesser role. */
function foldOne(records: readonly RecordHead[]): FoldedAdministrator | undefined {
  const facts = new Facts(records);
  const [enrolment] = facts.of('administrator-enrolled');
  if (enrolment === undefined) return undefined;
  const allowances = facts.of('administrator-allowed');
  const replaced = new Set(allowances.flatMap(({ payload }) => payload.replaces));
  const blocks = facts.of('administrator-blocked').filter(({ id }) => !replaced.has(id));
  const newest = allowances.filter(({ id }) => !replaced.has(id));
  const { name, role, fingerprint, certificate } = enrolment.payload;
  return {
    id: facts.ordered[0]?.object ?? '',
    name,
    role: least(newest.length === 0 ? [role] : newest.map(({ payload }) => payload.role)),
    fingerprint,
    state: blocks.length > 0 ? 'blocked' : 'allowed',
    certificate,
    added: enrolment.time,
    heads: [...blocks, ...newest].map(({ id }) => id),
  };
}

/** A role that this version does not know is none of those it does: it may nothing. */
function least(roles: readonly AdministratorRole[]): AdministratorRole {
  const rank = (role: AdministratorRole): number => administratorRoles.indexOf(role);
  return roles.reduce((a, b) => (rank(a) <= rank(b) ? a : b));
}

/** Who shows this certificate: blocked where any enrolment of it is, else with the least role. */
export function administratorWith<T extends Administrator>(
  administrators: readonly T[],
  fingerprint: string,
): T | undefined {
  const found = administrators.filter((each) => each.fingerprint === fingerprint);
  const blocked = found.find(({ state }) => state === 'blocked');
  if (blocked !== undefined || found.length === 0) return blocked;
  const role = least(found.map((each) => each.role));
  return found.find((each) => each.role === role);
}
