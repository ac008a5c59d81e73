import { once } from 'node:events';
import type { KeyView } from '../../admin/schema.ts';
import type { CommandOption } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { csvLine, date, secondsOf, shown } from '../format.ts';
import { ProgressBar } from '../progress.ts';

const pageKeys = 1_000;
const day = 86_400;

export interface ListOptions {
  readonly state?: string;
  readonly group?: string;
  readonly client?: string;
  readonly name?: string;
  readonly olderThan?: string;
  readonly notFetchedFor?: string;
  readonly singleCopy?: true;
  readonly superseded?: true;
  readonly limit: string;
  readonly all?: true;
  readonly after?: string;
  readonly csv?: true;
}

/** Shows keys page by page as they come: a hundred thousand take no more memory than one page. */
export async function list(context: Context, options: ListOptions): Promise<void> {
  const { json } = context;
  if (json && options.csv === true) {
    throw new CommandError('bad-request', 'give one of --json and --csv', 'both are for programs');
  }
  const most = options.all === true ? Infinity : whole(options.limit);
  const writer = json ? asJson() : options.csv === true ? asCsv() : asTable();
  let begun = false;
  let left = most;
  let next: string | undefined = options.after;
  const pages = pagesOf(context, options, () => Math.min(left, pageKeys));
  for await (const page of pages) {
    // What fails at once prints nothing but why.
    if (!begun) await write(writer.head);
    begun = true;
    left -= page.keys.length;
    ({ next } = page);
    for (const line of page.keys.map((key) => writer.line(key))) await write(line);
    if (left <= 0) break;
  }
  await write(writer.tail(next));
}

/** The pages that the filters leave, until there is none or the caller has enough. */
async function* pagesOf(
  { admin, json }: Context,
  options: ListOptions,
  limit: () => number,
): AsyncGenerator<{ readonly keys: readonly KeyView[]; readonly next?: string | undefined }> {
  const query = queryOf(options);
  const of = (await admin.status()).keys;
  const bar = new ProgressBar('keys', json);
  let { after } = options;
  let scanned = 0;
  try {
    do {
      const page = await admin.keys({
        ...query,
        limit: String(limit()),
        ...(after === undefined ? {} : { after }),
      });
      scanned += page.scanned;
      after = page.next;
      // Who sees the keys themselves come needs no bar.
      if (page.keys.length === 0 && after !== undefined) bar.show(scanned, of);
      else bar.end();
      yield page;
    } while (after !== undefined);
  } finally {
    bar.end();
  }
}

function queryOf(options: ListOptions): Record<string, string> {
  const { state, group, client, name, olderThan, notFetchedFor } = options;
  const given = {
    ...{ state, group, client, name },
    older: olderThan === undefined ? undefined : String(secondsOf(olderThan)),
    unfetched: notFetchedFor === undefined ? undefined : String(secondsOf(notFetchedFor)),
    copies: options.singleCopy === true ? 'single' : undefined,
    superseded: options.superseded === true ? 'yes' : undefined,
  };
  const known = Object.entries(given).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined;
  });
  return Object.fromEntries(known);
}

interface Writer {
  readonly head: string;
  line(key: KeyView): string;
  /** `next`: where those begin that were not shown. */
  tail(next: string | undefined): string;
}

function asJson(): Writer {
  let first = true;
  return {
    head: '{"keys":[',
    line: (key) => {
      const comma = first ? '' : ',';
      first = false;
      return `${comma}\n${JSON.stringify(key)}`;
    },
    tail: (next) => (next === undefined ? '\n]}\n' : `\n],"next":${JSON.stringify(next)}}\n`),
  };
}

const columns = [
  ...['id', 'state', 'age_days', 'created', 'group', 'component', 'name', 'identifier'],
  ...['last_fetched', 'fetched_by', 'copies', 'superseded', 'type', 'algorithm', 'length'],
];

function asCsv(): Writer {
  return {
    head: csvLine(columns),
    line: (key) => {
      const { fetched, component = '', identifier = '' } = key;
      return csvLine([
        ...[key.id, key.state, String(Math.floor(key.age / day)), date(key.created), key.group],
        ...[component, ownerOf(key), identifier],
        ...(fetched === undefined ? ['', ''] : [date(fetched.time), fetched.client]),
        ...[key.copies, key.superseded === true ? 'yes' : 'no'],
        ...[key.type, key.algorithm, String(key.length)],
      ]);
    },
    tail: () => '',
  };
}

function asTable(): Writer {
  const widths = [36, 11, 6, 26, 7];
  const row = (...cells: string[]): string =>
    `${cells.map((cell, i) => shown(cell).padEnd(widths[i] ?? 0)).join('  ')}\n`;
  return {
    head: row('IDENTIFIER', 'STATE', 'AGE', 'LAST FETCHED BY', 'COPIES', 'FOR'),
    line: (key) => {
      const { fetched } = key;
      const last = fetched === undefined ? 'never' : `${date(fetched.time)} ${fetched.client}`;
      const whom = [key.component, ownerOf(key), key.identifier].filter(
        (each) => each !== undefined,
      );
      const old = key.superseded === true ? ' (has a newer key)' : '';
      return row(key.id, key.state, ageText(key.age), last, key.copies, `${whom.join(' ')}${old}`);
    },
    tail: (next) => (next === undefined ? '' : `more: --after ${next}\n`),
  };
}

/** The VM's or host's name, else the key's own. */
export function ownerOf({ vm, names }: KeyView): string {
  return vm ?? names[0] ?? '';
}

export function ageText(seconds: number): string {
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 2 * day ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / day)} d`;
}

const classes = [30, 60, 90, 180, 365] as const;
/** So many kinds of owner are told apart: clients choose what they are called. */
const componentsMost = 50;

interface Ages {
  readonly component: string;
  keys: number;
  /** Keys whose owner has no newer one: those that count for a duty of rotation. */
  current: number;
  due: number;
  oldestDays: number;
  /** Current ones younger than 30, 60, 90, 180, 365 days, and the rest. */
  readonly byAge: number[];
}

/** How old the Active keys are that are the newest of their owner, and how many are due. */
export async function age(
  context: Context,
  { olderThan, group }: { olderThan: string; group?: string },
): Promise<void> {
  const limit = secondsOf(olderThan);
  const found = new Map<string, Ages>();
  const options = { state: 'Active', limit: '0', ...(group === undefined ? {} : { group }) };
  for await (const { keys } of pagesOf(context, options, () => pageKeys)) {
    for (const key of keys) count(found, key, limit);
  }
  const ages = [...found.values()].sort((a, b) => (a.component < b.component ? -1 : 1));
  const due = ages.reduce((sum, each) => sum + each.due, 0);
  context.print({ olderThan: limit, due, ages }, () => {
    const bounds = classes.map((days) => `<${days}d`);
    const head = ['OWNERS', 'KEYS', 'CURRENT', ...bounds, 'OLDER', 'OLDEST', 'DUE'];
    const rows = ages.map((each) => [
      each.component,
      ...[each.keys, each.current, ...each.byAge].map(String),
      `${each.oldestDays} d`,
      String(each.due),
    ]);
    const lines = [head, ...rows].map(([first = '', ...cells]) =>
      [shown(first).padEnd(20), ...cells.map((cell) => cell.padStart(7))].join(' '),
    );
    const last =
      due === 0
        ? `no current key is ${olderThan} old`
        : `${due} current keys are ${olderThan} old or older: re-key them in vCenter
twinlock key list --all --state Active --older-than ${olderThan} shows them`;
    return [...lines, last].join('\n');
  });
}

function count(found: Map<string, Ages>, key: KeyView, limit: number): void {
  const wanted = key.component ?? 'no component';
  const component = found.has(wanted) || found.size < componentsMost ? wanted : 'others';
  const ages = found.get(component) ?? {
    ...{ component, keys: 0, current: 0, due: 0, oldestDays: 0 },
    byAge: [...classes, 0].map(() => 0),
  };
  found.set(component, ages);
  ages.keys++;
  if (key.superseded === true) return;
  const days = Math.floor(key.age / day);
  ages.current++;
  if (key.age >= limit) ages.due++;
  ages.oldestDays = Math.max(ages.oldestDays, days);
  const place = classes.findIndex((bound) => days < bound);
  const index = place < 0 ? classes.length : place;
  ages.byAge[index] = (ages.byAge[index] ?? 0) + 1;
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new CommandError('bad-request', `${text} is no number of keys`, 'give one above 0');
}

async function write(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
}

export const listOptions: readonly CommandOption[] = [
  { flags: '--state <state>', what: 'only those in this state, as Active or Destroyed' },
  { flags: '--group <group>', what: 'only those of this key group' },
  { flags: '--client <client>', what: 'only those that this client fetched last' },
  { flags: '--name <part>', what: 'only those whose VM, host, UUID, Name or component has this' },
  { flags: '--older-than <duration>', what: 'only those made so long ago, as 60d, or earlier' },
  { flags: '--not-fetched-for <duration>', what: 'only those that nobody fetched for so long' },
  { flags: '--single-copy', what: 'only those that no other node and no journal has' },
  { flags: '--superseded', what: 'only those whose VM or host has a newer key' },
  { flags: '--limit <n>', what: 'how many', default: '100' },
  { flags: '--all', what: 'all of them, however many' },
  { flags: '--after <id>', what: 'go on behind this key' },
  { flags: '--csv', what: 'print comma-separated values' },
];
