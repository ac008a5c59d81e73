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
    make: async (_: Context, state: string | undefined) => logOf(role, state),
  })),
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

async function logOf(role: 'server' | 'keeper', state: string | undefined): Promise<string> {
  const text = state === undefined ? await journal(role) : endOf(join(state, 'log', `${role}.log`));
  let left = 0;
  const lines = text.split('\n').flatMap((line) => {
    const value = line === '' ? undefined : parsed(line);
    if (value === undefined) {
      if (line !== '') left++;
      return [];
    }
    const fields = logFields.filter((name) => ['string', 'number'].includes(typeof value[name]));
    return [JSON.stringify(Object.fromEntries(fields.map((name) => [name, value[name]])))];
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

function journal(role: string): Promise<string> {
  const words = ['-u', `twinlock-${role}`, '-n', String(journalLines), '-o', 'cat', '--no-pager'];
  return new Promise((resolve, reject) => {
    execFile('journalctl', words, { maxBuffer: 64 << 20 }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(new Error('the journal cannot be read', { cause: error }));
    });
  });
}
