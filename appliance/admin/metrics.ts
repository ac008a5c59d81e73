import { Counter, Gauge, Registry } from 'prom-client';
import type { StatusView } from './schema.ts';

/** What the metrics are read from, at each scrape. */
export interface MetricsSource {
  readonly status: () => Promise<StatusView>;
  /** How often each act was done since the process began, by actor's kind and outcome. */
  readonly acts: () => Iterable<ActCount>;
  readonly audit: () => {
    readonly newest: number;
    readonly receivers: readonly { target: string; connected: boolean; behind: number }[];
  };
}

export interface ActCount {
  readonly actor: string;
  readonly act: string;
  readonly outcome: string;
  readonly count: number;
}

const states = ['SERVING', 'DEGRADED', 'SEALED', 'SHREDDED', 'NOT CONFIGURED'] as const;

/** The metrics in Prometheus' text format; names and help are docs/monitor.md's. */
export class Metrics {
  readonly #source: MetricsSource;
  readonly #registry = new Registry();
  readonly #gauges = new Map<string, Gauge>();
  readonly #acts: Counter;
  readonly contentType: string = this.#registry.contentType;

  constructor(source: MetricsSource) {
    this.#source = source;
    for (const [name, [help, ...labelNames]] of Object.entries(gauges)) {
      const registers = [this.#registry];
      const gauge = new Gauge({ name: `twinlock_${name}`, help, labelNames, registers });
      this.#gauges.set(name, gauge);
    }
    this.#acts = new Counter({
      name: 'twinlock_acts_total',
      help: 'KMIP operations and administrative acts since the start, by outcome',
      labelNames: ['actor', 'act', 'outcome'],
      registers: [this.#registry],
    });
  }

  async text(): Promise<string> {
    const status = await this.#source.status();
    this.#fromStatus(status);
    const { newest, receivers } = this.#source.audit();
    this.#set('audit_newest', newest);
    this.#gauges.get('syslog_connected')?.reset();
    this.#gauges.get('syslog_behind')?.reset();
    for (const { target, connected, behind } of receivers) {
      this.#set('syslog_connected', connected ? 1 : 0, { target });
      this.#set('syslog_behind', behind, { target });
    }
    this.#acts.reset();
    for (const { count, ...labels } of this.#source.acts()) this.#acts.inc(labels, count);
    return this.#registry.metrics();
  }

  #fromStatus(status: StatusView): void {
    const { rootKey, wrappingKey, recovery } = status;
    this.#gauges.get('info')?.reset();
    this.#set('info', 1, { version: status.version, node: status.node });
    for (const state of states) this.#set('state', status.state === state ? 1 : 0, { state });
    this.#set('root_key_ready', rootKey.state === 'ready' ? 1 : 0);
    this.#set('root_key_proof_age_seconds', rootKey.provenSeconds ?? Number.NaN);
    this.#set('rotation_left', wrappingKey.left ?? 0);
    this.#set('recovery_proven', recovery?.proven === true ? 1 : 0);
    this.#set('backup_age_seconds', status.backup?.verified?.seconds ?? Number.NaN);
    this.#set('backup_failed', (status.backup?.failed ?? null) === null ? 0 : 1);
    this.#set('keys', status.keys);
    this.#set('single_copies', status.singleCopies ?? Number.NaN);
    this.#set('damaged', status.scrub?.damaged ?? Number.NaN);
    this.#set('scrub_finished_seconds', status.scrub?.finished ?? Number.NaN);
    this.#set('records', status.records);
    this.#set('clients', status.clients);
    this.#set('connections', status.connections);
    this.#set('warnings', status.warnings.length);
  }

  #set(name: keyof typeof gauges, value: number, labels: Record<string, string> = {}): void {
    this.#gauges.get(name)?.set(labels, value);
  }
}

const gauges = {
  info: ['version and node', 'version', 'node'],
  state: ['1 for the state that the appliance is in', 'state'],
  root_key_ready: ['1 while the root key can be used'],
  root_key_proof_age_seconds: ['seconds since the root key last opened a test value'],
  rotation_left: ['secrets that a rotation has yet to seal anew'],
  recovery_proven: ['1 once somebody has recovered with the recovery set'],
  backup_age_seconds: ['seconds since the last backup that was read back; NaN without one'],
  backup_failed: ['1 while the last attempt at a backup failed'],
  keys: ['managed objects, destroyed ones too'],
  single_copies: ['keys that no other node holds'],
  damaged: [
    'stored records and secrets that are damaged or missing, and not had from the peer yet',
  ],
  scrub_finished_seconds: ['when all that is stored had been looked at last; NaN before'],
  records: ['signed records'],
  clients: ['clients that are let in'],
  connections: ['KMIP connections now'],
  warnings: ['warnings that status shows'],
  audit_newest: ['number of the newest audit entry'],
  syslog_connected: ['1 while the syslog server is connected', 'target'],
  syslog_behind: ['audit entries that the syslog server has not got', 'target'],
} as const satisfies Record<string, readonly [string, ...string[]]>;
