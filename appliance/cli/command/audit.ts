import { once } from 'node:events';
import type { AuditEntryView } from '../../admin/schema.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { csvLine, date } from '../format.ts';

const pageEntries = 1_000;
const followMilliseconds = 1_000;

/** Checks the whole chain; a broken one is an error. */
async function verify({ admin, print }: Context): Promise<void> {
  const found = await admin.checkAudit();
  const { broken, contradicted } = found;
  const bad = broken ?? contradicted;
  if (bad !== undefined) {
    const what = broken === undefined ? 'a signed head contradicts' : 'the chain breaks at';
    const hint = 'somebody changed, cut or reordered entries; compare the peer and the syslog';
    throw new CommandError('audit-broken', `${what} entry ${bad}`, hint);
  }
  print(found, () => {
    const { entries, first, last, heads } = found;
    return `${entries} entries, ${first} to ${last}, are whole; ${heads} signed heads agree`;
  });
}

/** Writes entries to standard output, one a line. */
async function exportAll(
  { admin }: Context,
  options: { from?: string; to?: string; format: string },
): Promise<void> {
  const { format } = options;
  if (format !== 'jsonl' && format !== 'csv') {
    throw new CommandError('bad-request', `no format ${format}`, 'use jsonl or csv');
  }
  const from = options.from === undefined ? 0 : whole(options.from) - 1;
  const to = options.to === undefined ? Number.MAX_SAFE_INTEGER : whole(options.to);
  if (format === 'csv') await write(`${columns.join(',')}\n`);
  for (let after = Math.max(0, from); after < to;) {
    const { entries } = await admin.audit({ after, limit: pageEntries });
    const wanted = entries.filter(({ seq }) => seq <= to);
    const lines = wanted.map(format === 'csv' ? csv : (entry) => JSON.stringify(entry));
    if (lines.length > 0) await write(`${lines.join('\n')}\n`);
    if (wanted.length < pageEntries) break;
    after = wanted.at(-1)?.seq ?? to;
  }
}

/** Shows the newest entries and, on request, those that come. */
async function tail(
  { admin, json }: Context,
  options: { lines: string; follow?: true },
): Promise<void> {
  let page = await admin.audit({ last: whole(options.lines), limit: pageEntries });
  for (;;) {
    for (const entry of page.entries)
      await write(`${json ? JSON.stringify(entry) : said(entry)}\n`);
    const after = page.entries.at(-1)?.seq ?? page.newest;
    if (page.entries.length < pageEntries) {
      if (options.follow !== true) return;
      await new Promise((resolve) => setTimeout(resolve, followMilliseconds));
    }
    page = await admin.audit({ after, limit: pageEntries });
  }
}

const columns = [
  ...(['seq', 'time', 'actor', 'act', 'object', 'outcome', 'reason'] as const),
  ...(['request', 'hash'] as const),
];

function csv(entry: AuditEntryView): string {
  const cells = columns.map((name) =>
    name === 'time' ? date(entry.time) : String(entry[name] ?? ''),
  );
  return csvLine(cells).trimEnd();
}

function said({ seq, time, actor, act, object, outcome, reason }: AuditEntryView): string {
  const parts = [date(time), String(seq), actor, act, object, outcome, reason];
  return parts.filter((part) => part !== undefined && part !== '').join('  ');
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new CommandError('bad-request', `${text} is not a number`, 'give a whole number');
}

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

export const commands: readonly Command[] = [
  {
    name: 'audit verify',
    what: 'check every entry against the chain and the signed heads',
    run: (context) => verify(context),
  },
  {
    name: 'audit export',
    what: 'write entries to standard output, one a line',
    options: [
      { flags: '--from <seq>', what: 'from this number on' },
      { flags: '--to <seq>', what: 'up to this number' },
      { flags: '--format <format>', what: 'jsonl or csv', default: 'jsonl' },
    ],
    run: (context, _, options: Parameters<typeof exportAll>[1]) => exportAll(context, options),
  },
  {
    name: 'audit tail',
    what: 'show the newest entries',
    options: [
      { flags: '--lines <n>', what: 'how many', default: '20' },
      { flags: '--follow', what: 'go on with those that come' },
    ],
    run: (context, _, options: Parameters<typeof tail>[1]) => tail(context, options),
  },
];
