import type { ChainedEntry } from './chain.ts';
import type { AuditEntry } from './event.ts';

/** Facility 13, "log audit" (RFC 5424 §6.2.1). */
const facility = 13;
const severity = { success: 6, denied: 4, failed: 3 } as const;
/** The number that RFC 5612 keeps for those who have none of their own. */
const enterprise = 'twinlock@32473';

/** What every message of one node says of it. */
export interface SyslogOrigin {
  readonly hostname: string;
  /** 16 bytes in hexadecimal. */
  readonly node: string;
}

/**
 * An audit entry as an RFC 5424 message. Its number and hash are in the structured data, so that a
 * receiver knows what came twice and sees what is missing.
 */
export function syslogMessage(
  { seq, time, entry: text, hash }: ChainedEntry,
  { hostname, node }: SyslogOrigin,
): Buffer {
  const entry = JSON.parse(text) as AuditEntry;
  const priority = facility * 8 + severity[entry.outcome];
  const stamp = new Date(time * 1000).toISOString().replace('.000Z', 'Z');
  const { actor, act, object, outcome, reason, request } = entry;
  const elements = Object.entries({
    seq: String(seq),
    hash: Buffer.from(hash).toString('hex'),
    node,
    actor,
    object,
    outcome,
    reason,
    request,
  });
  const data = elements
    .filter((each): each is [string, string] => each[1] !== undefined && each[1] !== '')
    .map(([name, value]) => `${name}="${escaped(value)}"`);
  const head = `<${priority}>1 ${stamp} ${word(hostname, 255)} twinlock - ${word(act, 32)}`;
  const said = [act, object, outcome, reason].filter((part) => part !== undefined).join(' ');
  // U+FEFF says that the message is UTF-8 (§6.4).
  return Buffer.from(`${head} [${enterprise} ${data.join(' ')}] \u{feff}${printable(said)}`);
}

/** A message within a stream: its length in bytes, a space, the message (RFC 5425 §4.3). */
export function syslogFrame(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
}

/** PRINTUSASCII without spaces, or the value for nothing. */
function word(text: string, most: number): string {
  const plain = text.replace(/[^!-~]/g, '-').slice(0, most);
  return plain === '' ? '-' : plain;
}

/** A parameter's value (§6.3.3). */
function escaped(text: string): string {
  return printable(text).replace(/["\\\]]/g, '\\$&');
}

/** Line ends and other controls could forge a second entry at a receiver that splits lines. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}
