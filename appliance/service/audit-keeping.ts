import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { SyslogSender } from '../audit/syslog-sender.ts';
import type { SyslogTarget } from '../audit/syslog-sender.ts';
import type { KeeperClient } from '../keeper-client/client.ts';
import type { AuditTrail } from '../keystore/audit-trail.ts';
import { hostAndPort } from './configuration.ts';
import type { Configuration } from './configuration.ts';
import { ConsoleAudit } from './console-audit.ts';
import { Stop } from './exit.ts';
import type { Log } from './log.ts';

const lookMilliseconds = 30_000;
/** A head is signed after so many entries, or so many seconds with entries in them. */
const headEntries = 1_000;
const headSeconds = 3_600;
const pruneBatch = 5_000;
/** A clock that leapt ahead makes everything old: nothing goes before so many heads agree. */
const settledHeads = 10;

export interface AuditKeepingParts {
  readonly trail: AuditTrail;
  readonly keeper: KeeperClient;
  readonly configuration: Configuration;
  readonly node: string;
  readonly now: () => number;
  readonly log: Log;
}

/**
 * Signs the audit's heads, removes what is older than was asked for, feeds the receivers, and takes
 * in what persons did at the keeper's console.
 */
export class AuditKeeping {
  readonly #parts: AuditKeepingParts;
  readonly #senders: readonly SyslogSender[];
  readonly #console: ConsoleAudit;
  #timer: NodeJS.Timeout | undefined;
  #signed: number;
  #stopped = false;

  /** Throws Stop when a file that the configuration names cannot be read. */
  constructor(parts: AuditKeepingParts) {
    this.#parts = parts;
    this.#signed = parts.now();
    this.#senders = parts.configuration.audit.syslog.map((each) => this.#sender(each));
    this.#console = new ConsoleAudit(parts);
    this.#console.start();
    this.#again();
  }

  receivers(): ReturnType<SyslogSender['status']>[] {
    return this.#senders.map((sender) => sender.status());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#console.stop();
    await Promise.all(this.#senders.map((sender) => sender.stop()));
  }

  #again(): void {
    this.#timer = setTimeout(() => void this.#look(), lookMilliseconds);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    try {
      await this.#sign();
      await this.#prune();
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      if (!this.#stopped) this.#parts.log('warn', 'the audit could not be kept', { error: text });
    }
    if (!this.#stopped) this.#again();
  }

  async #sign(): Promise<void> {
    const { trail, now } = this.#parts;
    const fresh = trail.newest.seq - trail.head();
    if (fresh < headEntries && (fresh === 0 || now() - this.#signed < headSeconds)) return;
    await trail.sign();
    this.#signed = now();
  }

  /** Never beyond what a receiver has: a spool that is cut would lose entries. */
  async #prune(): Promise<void> {
    const { trail, configuration, now, log } = this.#parts;
    const { keep_days: days, keep_entries: most } = configuration.audit;
    const oldest = now() - days * 86_400;
    const settled = trail.headTimes(settledHeads).filter((time) => time > oldest).length;
    const first = trail.cursor('');
    const tooMany = trail.newest.seq - most;
    let tooOld: number | undefined;
    for (const { time, seq } of trail.page(first, pruneBatch)) {
      const old = settled === settledHeads && time < oldest;
      if (!old && seq > tooMany) break;
      tooOld = seq;
    }
    if (tooOld === undefined) return;
    const received = this.#parts.configuration.audit.syslog.map(({ server }) =>
      trail.cursor(server),
    );
    const upTo = Math.min(tooOld, ...received);
    if (upTo < tooOld) log('warn', 'old audit entries wait for a syslog server', { upTo });
    if (upTo <= first) return;
    log('info', 'old audit entries are removed', { removed: await trail.prune(upTo), upTo });
  }

  #sender(receiver: Configuration['audit']['syslog'][number]): SyslogSender {
    const { trail, node, log } = this.#parts;
    const { server } = receiver;
    return new SyslogSender({
      target: targetOf(receiver),
      hostname: hostname(),
      node,
      entries: (after, limit) => trail.page(after, limit),
      newest: () => trail.newest.seq,
      cursor: {
        read: () => trail.cursor(server),
        write: (seq) => {
          trail.setCursor(server, seq).catch(() => {
            // What cannot be noted is sent once more after the next start.
          });
        },
      },
      monotonic: () => performance.now(),
      log,
    });
  }
}

function targetOf(receiver: Configuration['audit']['syslog'][number]): SyslogTarget {
  const { server, name, ca, certificate, key } = receiver;
  return {
    ...hostAndPort(server),
    ...(name === undefined ? {} : { name }),
    ca: pem(ca),
    ...(certificate === undefined || key === undefined
      ? {}
      : { certificate: pem(certificate), key: pem(key) }),
  };
}

function pem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const hint = 'name PEM files in audit.syslog';
    throw new Stop('configuration', `${path} cannot be read`, hint, { cause });
  }
}
