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

/** What waits for a file that takes nothing; later lines are lost. */
const waitingBytes = 2 ** 20;

/**
 * JSON lines on standard output, which systemd or the trial keeps. Binary values are lengths. Where
 * it takes nothing (a full disk), lines wait in a mebibyte of memory, and the process goes on.
 */
export function makeLog(process: string, level: Level = 'info'): Log {
  const destination = pino.destination({ dest: 1, sync: true, maxLength: waitingBytes });
  destination.on('error', () => {
    // The next line tries again: a key manager does not stop serving because its log is full.
  });
  const logger = pino(
    {
      level,
      base: { process },
      redact: { paths: redacted.flatMap((name) => [name, `*.${name}`]), censor: '(redacted)' },
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
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
