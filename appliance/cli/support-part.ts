import { execFile } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync, readSync, statfsSync } from 'node:fs';
import { arch, loadavg, release, totalmem, uptime } from 'node:os';
import { join } from 'node:path';
import { parseToml } from '../setup/toml.ts';
import type { Context } from './context.ts';

/** One file of a support bundle. What is in no part of this list is in no bundle. */
export interface SupportPart {
  readonly name: string;
  readonly what: string;
  /** Only where the command runs on the node itself. */
  readonly localOnly?: true;
  /** Only of a trial, whose processes write files; only of a box, whose units write the journal. */
  readonly of?: 'trial' | 'box';
  make(context: Context, state: string | undefined): Promise<string> | string;
}

const auditEntries = 1_000;
const logBytes = 2 * 1024 * 1024;
const journalLines = 5_000;

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

export const supportParts: readonly SupportPart[] = [
  {
    name: 'status.json',
    what: 'state, warnings, fingerprints, counts: as `twinlock status` shows them',
    make: async ({ admin }) => json(await admin.status()),
  },
  {
    name: 'peers.json',
    what: 'the other node: state, lag, identifiers of keys with a single copy',
    make: async ({ admin }) => json(await admin.peers()),
  },
  {
    name: 'conflicts.json',
    what: 'what two nodes said at once',
    make: async ({ admin }) => json(await admin.conflicts()),
  },
  {
    name: 'clients.json',
    what: 'clients and administrators: names, groups, roles, states, fingerprints, ends',
    make: async ({ admin }) => {
      const { clients } = await admin.clients();
      return json({ clients, ...(await admin.administrators()), ...(await admin.groups()) });
    },
  },
  {
    name: 'audit.jsonl',
    what: `the newest ${auditEntries} audit entries: who did what to which identifier`,
    make: async ({ admin }) => {
      const { entries } = await admin.audit({ last: auditEntries, limit: auditEntries });
      return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    },
  },
  {
    name: 'audit-check.json',
    what: 'whether the audit is whole',
    make: async ({ admin }) => json(await admin.checkAudit()),
  },
  {
    name: 'configuration.json',
    what: 'listed entries of the configuration, no others',
    localOnly: true,
    make: (_, state) => json(configurationOf(state)),
  },
  {
    name: 'machine.json',
    what: 'kernel, memory, load, time since the start, room on the disk',
    localOnly: true,
    make: (_, state) => json(machineOf(state)),
  },
  ...(['server', 'keeper'] as const).map((role) => ({
    name: `${role}.log`,
    what: `the end of the ${role}'s log: listed fields of its lines, no others`,
    localOnly: true as const,
    of: 'trial' as const,
    make: (_: Context, state = '') => logOf(endOf(join(state, 'log', `${role}.log`))),
  })),
  {
    name: 'journal.jsonl',
    what: 'the journal of Twinlock’s units: what systemd says, and listed fields of theirs',
    localOnly: true,
    of: 'box',
    make: async () => journalOf(await journal()),
  },
];

/** Entries of the configuration that a bundle may hold: addresses, names, numbers, choices. */
const configurationEntries = [
  ...['log', 'token.name', 'token.label', 'token.deadline', 'keeper.token_removal'],
  ...['metrics.listen', 'audit.keep_days', 'audit.keep_entries', 'server.listen'],
  ...['server.https_listen', 'server.admin_listen', 'server.names', 'server.key'],
  ...['server.cache_mib', 'replication.listen', 'replication.addresses', 'replication.name'],
  ...['rotation.root_key_every', 'rotation.wrapping_key_every', 'backup.every_hours'],
  ...['backup.keep', 'backup.alarm_hours'],
];

function configurationOf(state: string | undefined): Record<string, unknown> {
  const path = state === undefined ? '/etc/twinlock/twinlock.toml' : join(state, 'twinlock.toml');
  const found = parseToml(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const entries = configurationEntries.map((name) => {
    const value = name
      .split('.')
      .reduce<unknown>((at, word) => (at as Record<string, unknown> | undefined)?.[word], found);
    return [name, value] as const;
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function machineOf(state: string | undefined): Record<string, unknown> {
  const { bsize, bavail, blocks } = statfsSync(state ?? '/var/lib/twinlock');
  return {
    kernel: release(),
    architecture: arch(),
    node: process.version,
    memoryBytes: totalmem(),
    load: loadavg(),
    upSeconds: Math.floor(uptime()),
    disk: { bytes: blocks * bsize, freeBytes: bavail * bsize },
  };
}

/** Fields of a log line that a bundle may hold; the processes redact by name besides. */
const logFields = [
  ...['level', 'time', 'process', 'msg', 'request', 'code', 'error', 'why', 'reason', 'epoch'],
  ...['generation', 'address', 'port', 'httpsPort', 'adminPort', 'peer', 'node', 'object'],
  ...['seq', 'count', 'state', 'keeper', 'fingerprint', 'client', 'operation', 'act', 'signal'],
];

function listed(line: Readonly<Record<string, unknown>>, names: readonly string[]): object {
  const known = names.filter((name) => ['string', 'number'].includes(typeof line[name]));
  return Object.fromEntries(known.map((name) => [name, line[name]]));
}

function logOf(text: string): string {
  let left = 0;
  const lines = text.split('\n').flatMap((line) => {
    const value = line === '' ? undefined : parsed(line);
    if (value === undefined) {
      if (line !== '') left++;
      return [];
    }
    return [JSON.stringify(listed(value, logFields))];
  });
  return `${[...lines, JSON.stringify({ leftOut: left })].join('\n')}\n`;
}

/** Fields of the journal that a bundle may hold (systemd.journal-fields(7)). */
const journalFields = [
  ...['__REALTIME_TIMESTAMP', 'PRIORITY', '_SYSTEMD_UNIT', 'UNIT', '_PID', 'JOB_TYPE'],
  ...['JOB_RESULT', 'UNIT_RESULT', 'EXIT_CODE', 'EXIT_STATUS', 'N_RESTARTS'],
];

/**
 * Of each line the listed fields, and its text where one knows whose it is: fields that begin with
 * an underscore are the journal's own, so nobody else passes for systemd. What else a process of a
 * unit printed, such as a vendor's library, may be anything: it is counted by its unit.
 */
function journalOf(text: string): string {
  const left: Record<string, number> = {};
  const lines = text.split('\n').flatMap((line) => {
    const entry = line === '' ? undefined : parsed(line);
    if (entry === undefined) return [];
    const { MESSAGE: message, _PID: pid, _SYSTEMD_UNIT: unit } = entry;
    const fields = listed(entry, journalFields);
    if (pid === '1') return [JSON.stringify({ ...fields, message })];
    const own = typeof message === 'string' ? parsed(message) : undefined;
    if (own !== undefined) return [JSON.stringify({ ...fields, line: listed(own, logFields) })];
    const name = typeof unit === 'string' ? unit : 'no unit';
    left[name] = (left[name] ?? 0) + 1;
    return [];
  });
  return `${[...lines, JSON.stringify({ leftOut: left })].join('\n')}\n`;
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // A line that is no JSON is nobody's that we know.
  }
  return undefined;
}

function endOf(path: string): string {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, logBytes));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString();
  } finally {
    closeSync(file);
  }
}

function journal(): Promise<string> {
  const which = ['--unit=twinlock-*', `--lines=${journalLines}`];
  const words = [...which, '--output=json', '--no-pager', '--quiet'];
  return new Promise((resolve, reject) => {
    execFile('journalctl', words, { maxBuffer: 64 << 20 }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(new Error('the journal cannot be read', { cause: error }));
    });
  });
}
