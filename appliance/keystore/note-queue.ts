import type { AuditEntry } from '../audit/event.ts';
import type { AuditLog } from './audit-log.ts';
import type { FetchHints } from './fetch-hint.ts';

const most = 50_000;
const milliseconds = 100;

export interface NoteQueueParts {
  readonly audit: AuditLog;
  readonly fetches: FetchHints;
  readonly now: () => number;
  /** Asked to commit: notes wait. */
  readonly due: () => void;
  readonly log: (level: 'error', message: string) => void;
}

/** Audit entries of reads and denials, which wait for the next group commit. */
export class NoteQueue {
  readonly #parts: NoteQueueParts;
  #notes: { entry: AuditEntry; time: number }[] = [];
  #gap = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: NoteQueueParts) {
    this.#parts = parts;
  }

  get length(): number {
    return this.#notes.length;
  }

  /** Takes an entry. One that cannot be kept is counted, and its gap told once that is possible. */
  add(entry: AuditEntry, writable: boolean): void {
    const { now, due, log } = this.#parts;
    if (!writable || this.#notes.length >= most) {
      if (this.#gap++ === 0) log('error', 'audit entries are being lost');
      return;
    }
    this.#notes.push({ entry, time: now() });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      due();
    }, milliseconds);
  }

  /** What waits, which is the caller's from now on. */
  take(): readonly { readonly entry: AuditEntry; readonly time: number }[] {
    const notes = this.#notes;
    this.#notes = [];
    return notes;
  }

  /** Writes these, and how many were lost before, in the transaction that there is. */
  write(notes: ReturnType<NoteQueue['take']>): void {
    const { audit, fetches, now } = this.#parts;
    for (const { entry, time } of notes) audit.append(entry, time);
    fetches.noteAudited(notes);
    if (this.#gap === 0) return;
    const entry = { request: '', actor: 'node', act: 'audit gap', outcome: 'failed' } as const;
    audit.append({ ...entry, reason: `${this.#gap} entries lost` }, now());
    this.#gap = 0;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
