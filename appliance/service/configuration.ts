import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { z } from '../admin/schema.ts';
import { Stop } from './exit.ts';

const endpoint = z.string().regex(/^(\[[\da-fA-F:]+\]|[^:]+):\d{1,5}$/, 'is not ADDRESS:PORT');

const schema = z.strictObject({
  /** What has to last: keeper/, server/. */
  state: z.string(),
  /** Sockets. */
  run: z.string(),
  log: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  token: z.strictObject({
    module: z.string(),
    label: z.string().max(32),
    /** Its serial number, where several tokens bear this label. */
    serial: z.string().max(16).optional(),
    /** Milliseconds that one call into the module may take. */
    deadline: z.number().int().min(100).default(20_000),
  }),
  keeper: z.strictObject({
    pin_file: z.string().optional(),
    /** Whether the PIN's file is the same one after a boot. */
    pin_file_lasts: z.boolean().default(false),
    /** Starts the token process; without it systemd does. */
    token_command: z.array(z.string()).min(1).optional(),
  }),
  metrics: z
    .strictObject({
      /** Where /metrics, /healthz and /readyz are answered; nowhere without it. */
      listen: endpoint.optional(),
    })
    .prefault({}),
  audit: z
    .strictObject({
      /** Entries are kept for so many days, and so many of them. */
      keep_days: z.number().int().min(1).default(400),
      keep_entries: z.number().int().min(10_000).default(5_000_000),
      /** Receivers of RFC 5424 messages over TLS (RFC 5425). */
      syslog: z
        .array(
          z.strictObject({
            server: endpoint,
            /** The name in its certificate, where that is not the address. */
            name: z.string().optional(),
            ca: z.string(),
            certificate: z.string().optional(),
            key: z.string().optional(),
          }),
        )
        .default([]),
    })
    .prefault({}),
  server: z.strictObject({
    listen: endpoint.default('0.0.0.0:5696'),
    /** Where the HTTPS, XML and JSON profiles are served; nowhere without it. */
    https_listen: endpoint.optional(),
    /** DNS names and addresses for the certificate, beside the host's own. */
    names: z.array(z.string()).default([]),
    key: z.enum(['rsa', 'p256']).default('rsa'),
    /** Where the admin API listens; admin.sock among the other sockets unless said. */
    admin_socket: z.string().optional(),
    cache_mib: z.number().int().min(1).default(64),
  }),
  replication: z
    .strictObject({
      /** Where other nodes reach this one; without it this node only dials. */
      listen: endpoint.optional(),
      /** A folder on another medium for the second copy while the other node is away. */
      journal: z.string().optional(),
      /** ADDRESS:PORT under which they do, where that is not `listen`. */
      addresses: z.array(endpoint).default([]),
      /** How this node is called; the host's name unless said. */
      name: z.string().min(1).max(64).optional(),
    })
    .prefault({}),
  backup: z
    .strictObject({
      /** Where backups go by themselves; without it only a person makes them. */
      folder: z.string().optional(),
      every_hours: z.number().positive().default(24),
      /** How many of this node's backups stay in the folder. */
      keep: z.number().int().min(1).default(14),
      /** Hours after which a missing backup is an alarm; see docs/backup.md. */
      alarm_hours: z.number().positive().optional(),
    })
    .default({ every_hours: 24, keep: 14 }),
});

export type Configuration = z.infer<typeof schema>;

/** Reads a configuration file. Throws Stop that names the first thing wrong. */
export function readConfiguration(path: string): Configuration {
  let value: unknown;
  try {
    value = parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const text = cause instanceof Error ? cause.message.split('\n')[0] : '';
    throw new Stop('configuration', `${path}: ${text ?? ''}`, 'mend the file', { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const place = issue?.path.join('.') ?? '';
  const message = `${path}: ${place === '' ? '' : `${place}: `}${issue?.message ?? 'not valid'}`;
  throw new Stop('configuration', message, 'the file’s entries are in docs/configuration.md');
}

/** "ADDRESS:PORT" taken apart. */
export function hostAndPort(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[|\]$/g, '');
  return { host, port: Number(text.slice(colon + 1)) };
}

/** The configuration file named on a process's command line. */
export function configurationFromArguments(argv: readonly string[]): Configuration {
  const index = argv.indexOf('--configuration');
  const path = index < 0 ? '/etc/twinlock/twinlock.toml' : argv[index + 1];
  if (path === undefined) throw new Stop('usage', 'no file is named', 'use --configuration FILE');
  return readConfiguration(path);
}
