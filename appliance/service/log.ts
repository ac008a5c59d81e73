import { pino } from 'pino';

export type Level = 'debug' | 'info' | 'warn' | 'error';
export type Log = (
  level: Level,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** Fields that never reach a log, at the top or one level down, whoever passes them. */
export const redacted = [
  'key',
  'keys',
  'secret',
  'pin',
  'password',
  'passphrase',
  'share',
  'material',
  'plaintext',
  'payload',
  'credential',
  'privateKey',
] as const;

/** JSON lines on standard output, which systemd or the trial keeps. Binary values are lengths. */
export function makeLog(process: string, level: Level = 'info'): Log {
  const logger = pino(
    {
      level,
      base: { process },
      redact: { paths: redacted.flatMap((name) => [name, `*.${name}`]), censor: '(redacted)' },
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 1, sync: true }),
  );
  return (at, message, fields = {}) => {
    logger[at](withoutBytes(fields), message);
  };
}

function withoutBytes(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? `(${value.length} bytes)` : value,
    ]),
  );
}
