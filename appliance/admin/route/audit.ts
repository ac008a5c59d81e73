import type { Appliance, Reach } from '../appliance.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';
import { auditCheck, auditPage, auditPageQuery } from '../schema.ts';
import type { AuditPage } from '../schema.ts';

type Audit = Appliance['audit'];

/** The audit: what every client and administrator did or was denied. */
export function auditRoutes({ opened }: Reach): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/audit',
      role: 'auditor',
      what: 'one page of audit entries, oldest first',
      query: auditPageQuery,
      answer: auditPage,
      handle: ({ query }) => pageOf(opened().audit, query),
    }),
    route({
      method: 'POST',
      path: '/v1/audit/check',
      role: 'auditor',
      what: 'check every entry against the chain and the signed heads',
      answer: auditCheck,
      handle: () => opened().audit.check(),
    }),
  ];
}

function pageOf(
  audit: Audit,
  { after, last, limit }: { after?: number | undefined; last?: number | undefined; limit: number },
): AuditPage {
  const newest = audit.newest.seq;
  const start = after ?? (last === undefined ? 0 : Math.max(0, newest - last));
  const entries = audit.page(start, limit).map(({ seq, time, entry, hash }) => ({
    seq,
    time,
    hash: Buffer.from(hash).toString('hex'),
    ...(JSON.parse(entry) as Omit<AuditPage['entries'][number], 'seq' | 'time' | 'hash'>),
  }));
  return { entries, newest };
}
