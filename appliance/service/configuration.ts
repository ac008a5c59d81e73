import { readFileSync } from 'node:fs';
import { parseToml } from '../setup/toml.ts';
import { z } from '../admin/schema.ts';
import { Stop } from './exit.ts';

const endpoint = z.string().regex(/^(\[[\da-fA-F:]+\]|[^:]+):\d{1,5}$/, 'is not ADDRESS:PORT');

/** "365d" as seconds. */
const days = z
  .string()
  .regex(/^[1-9]\d{0,4}d$/, 'is not a number of days such as 365d')
  .transform((text) => Number(text.slice(0, -1)) * 86_400)
  .optional();

const tokenEntries = {
  module: z.string(),
  label: z.string().max(32),
  /** Its serial number, where several tokens bear this label. */
  serial: z.string().max(16).optional(),
  /** Milliseconds that one call into the module may take. */
  deadline: z.number().int().min(100).default(20_000),
};
const pinEntries = {
  pin_file: z.string().optional(),
  /** Whether the PIN's file is the same one after a boot. */
  pin_file_lasts: z.boolean().default(false),
};
/** Starts the token process; without it systemd does. */
const command = z.array(z.string()).min(1).optional();
const tokenName = z.string().regex(/^[a-z\d][a-z\d-]{0,30}$/, 'is not small letters and digits');

const database = z.strictObject({
  /** Its servers: whichever is the primary is used. */
  servers: z.array(endpoint).min(1),
  database: z.string().default('twinlock'),
  user: z.string().default('twinlock'),
  /** PEM file of the one authority that the servers' certificates come from. */
  ca: z.string(),
  /** The name in their certificates, where that is not the address. */
  name: z.string().optional(),
  password_file: z.string().optional(),
  /** PEM files of a client certificate and its key. */
  certificate: z.string().optional(),
  key: z.string().optional(),
});

const schema = z.strictObject({
  /** What has to last: keeper/, server/. */
  state: z.string(),
  /** Sockets. */
  run: z.string(),
  log: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** The token that holds the root key until another is told to. */
  token: z.strictObject({ name: tokenName.default('primary'), ...tokenEntries }),
  /** Further tokens by their names: for a root key that moves, and for a recovery key. */
  tokens: z
    .record(tokenName, z.strictObject({ ...tokenEntries, ...pinEntries, command }))
    .default({}),
  keeper: z.strictObject({
    ...pinEntries,
    token_command: command,
    /** What a pulled token means: keys are served on, or the wrapping keys wiped. */
    token_removal: z.enum(['serve', 'seal']).default('serve'),
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
    /** Where it is served over HTTPS to administrators with a certificate; nowhere without it. */
    admin_listen: endpoint.optional(),
    cache_mib: z.number().int().min(1).default(64),
  }),
  replication: z
    .strictObject({
      /** Where other nodes reach this one; without it this node only dials. */
      listen: endpoint.optional(),
      /** What carries records between the nodes. */
      carrier: z.enum(['pair', 'postgresql']).default('pair'),
      postgresql: database.optional(),
      /** A folder on another medium for the second copy while the other node is away. */
      journal: z.string().optional(),
      /** ADDRESS:PORT under which they do, where that is not `listen`. */
      addresses: z.array(endpoint).default([]),
      /** How this node is called; the host's name unless said. */
      name: z.string().min(1).max(64).optional(),
    })
    .refine(({ carrier, postgresql }) => carrier === 'pair' || postgresql !== undefined, {
      message: 'postgresql: the carrier needs its servers and ca',
    })
    .prefault({}),
  rotation: z
    .strictObject({
      /** Days, as "365d", after which a key is rotated by itself; never without. */
      root_key_every: days,
      wrapping_key_every: days,
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

/** One token of a configuration, whichever way it is written there. */
export interface ConfiguredToken {
  readonly name: string;
  readonly module: string;
  readonly label: string;
  readonly serial?: string | undefined;
  readonly deadline: number;
  readonly pinFile: string | undefined;
  readonly pinFileLasts: boolean;
  readonly command: readonly string[] | undefined;
  /** Its process's socket among the others. */
  readonly socket: string;
}

/** All tokens of a configuration, the one that holds the first root key before the others. */
export function tokensOf(found: Configuration): [ConfiguredToken, ...ConfiguredToken[]] {
  const { token, tokens, keeper } = found;
  const first = {
    ...token,
    pinFile: keeper.pin_file,
    pinFileLasts: keeper.pin_file_lasts,
    command: keeper.token_command,
    socket: 'token.sock',
  };
  const others = Object.entries(tokens).map(([name, further]) => ({
    ...further,
    name,
    command: further.command,
    pinFile: further.pin_file,
    pinFileLasts: further.pin_file_lasts,
    socket: `token-${name}.sock`,
  }));
  return [first, ...others];
}

/** Reads a configuration file. Throws Stop that names the first thing wrong. */
export function readConfiguration(path: string): Configuration {
  let value: unknown;
  try {
    value = parseToml(readFileSync(path, 'utf8'));
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

/** The token that a token process is for: the one after --token, or the first. Throws Stop. */
export function tokenFromArguments(found: Configuration, argv: readonly string[]): ConfiguredToken {
  const [first, ...others] = tokensOf(found);
  const index = argv.indexOf('--token');
  if (index < 0) return first;
  const token = [first, ...others].find(({ name }) => name === argv[index + 1]);
  if (token !== undefined) return token;
  throw new Stop('usage', `no token is called ${argv[index + 1] ?? ''}`, 'see the configuration');
}

/** The configuration file named on a process's command line. */
export function configurationFromArguments(argv: readonly string[]): Configuration {
  const index = argv.indexOf('--configuration');
  const path = index < 0 ? '/etc/twinlock/twinlock.toml' : argv[index + 1];
  if (path === undefined) throw new Stop('usage', 'no file is named', 'use --configuration FILE');
  return readConfiguration(path);
}
