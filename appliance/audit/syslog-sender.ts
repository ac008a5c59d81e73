import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { ChainedEntry } from './chain.ts';
import { syslogFrame, syslogMessage } from './syslog-message.ts';
import type { SyslogOrigin } from './syslog-message.ts';

export interface SyslogTarget {
  readonly host: string;
  readonly port: number;
  /** The name in the receiver's certificate; the host unless said. */
  readonly name?: string;
  /** PEM: whom the receiver's certificate has to come from. */
  readonly ca: string;
  /** PEM: our own, where the receiver wants one. */
  readonly certificate?: string;
  readonly key?: string;
}

export interface SyslogSenderOptions extends SyslogOrigin {
  readonly target: SyslogTarget;
  /** Entries behind this number, oldest first, at most so many. */
  readonly entries: (after: number, limit: number) => readonly ChainedEntry[];
  /** The number of the newest entry. */
  readonly newest: () => number;
  /** The last number that the receiver surely has; kept through restarts. */
  readonly cursor: { read(): number; write(seq: number): void };
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number;
  readonly log: (
    level: 'info' | 'warn',
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
}

const batch = 256;
const pollMilliseconds = 1_000;
const firstPause = 1_000;
const longestPause = 60_000;
/**
 * TLS tells nobody what the receiver's program has read, and a connection to one that lost its
 * power stands for a quarter of an hour. So a connection that something was sent on is ended in
 * order after this long: a receiver closes its own side once it has read to that end, and that
 * confirms all of it. Where no such answer comes in time, all of it is sent again: entries may come
 * twice, but none is lost (RFC 5425 §1 promises no more).
 */
const turnMilliseconds = 30_000;
const answerMilliseconds = 10_000;

/**
 * Sends the audit to one syslog receiver over TLS (RFC 5425). The audit itself is the spool: a
 * cursor says how far the receiver has come, and everything behind it is sent when it is there.
 */
export class SyslogSender {
  readonly #options: SyslogSenderOptions;
  #socket: TLSSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pause = firstPause;
  /** What went over this connection, and when. */
  #sent: { seq: number; at: number }[] = [];
  #next: number;
  #full = false;
  #stopped = false;
  #turning: 'ended' | 'answered' | undefined;
  #failure: string | undefined;
  /** Whether the receiver was reached last; a turn of the connection changes nothing of that. */
  #reached = false;

  constructor(options: SyslogSenderOptions) {
    this.#options = options;
    this.#next = options.cursor.read();
    this.#connect();
  }

  status(): {
    readonly target: string;
    readonly connected: boolean;
    readonly behind: number;
    readonly failure?: string;
  } {
    const { target, newest } = this.#options;
    return {
      target: `${target.host}:${target.port}`,
      connected: this.#reached,
      behind: Math.max(0, newest() - this.#options.cursor.read()),
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    };
  }

  /** Sends what waits, ends the connection in order and notes how far it came. */
  async stop(): Promise<void> {
    this.#send();
    this.#stopped = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (socket === undefined || !socket.authorized || this.#full) {
      socket?.destroy();
      return;
    }
    await new Promise<void>((resolve) => {
      // The receiver closes its side once it has read up to the end: then it has everything.
      socket.once('end', () => {
        this.#confirm();
        resolve();
      });
      socket.once('close', resolve);
      const timer = setTimeout(() => socket.destroy(), 2_000);
      socket.once('close', () => {
        clearTimeout(timer);
      });
      socket.end();
    });
  }

  #connect(): void {
    const { host, port, name = host, ca, certificate: cert, key } = this.#options.target;
    const own = cert === undefined || key === undefined ? {} : { cert, key };
    // An address is no server name (RFC 6066 §3); the certificate is checked against it anyway.
    const servername = isIP(name) === 0 ? { servername: name } : {};
    const socket = connect({ host, port, ca, ...servername, ...own, minVersion: 'TLSv1.2' });
    this.#socket = socket;
    socket.setKeepAlive(true, 10_000);
    const answered = this.#awaited(socket);
    socket.on('secureConnect', () => {
      answered();
      this.#failure = undefined;
      this.#pause = firstPause;
      this.#full = false;
      this.#next = this.#options.cursor.read();
      this.#sent = [];
      if (!this.#reached) {
        this.#options.log('info', 'audit entries go to the syslog server', { host, port });
      }
      this.#reached = true;
      this.#send();
    });
    socket.on('drain', () => {
      this.#full = false;
      this.#send();
    });
    // A receiver has nothing to say; unread data would hide its end.
    socket.resume();
    socket.on('end', () => {
      if (this.#turning === undefined) return;
      this.#turning = 'answered';
      this.#confirm();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message;
      this.#reached = false;
      if (this.#failure !== code) {
        this.#options.log('warn', 'the syslog server cannot be reached; entries wait', {
          ...{ host, port, error: code },
        });
      }
      this.#failure = code;
    });
    socket.on('close', () => {
      if (this.#stopped) return;
      this.#socket = undefined;
      this.#sent = [];
      clearTimeout(this.#timer);
      const turned = this.#turning === 'answered';
      this.#turning = undefined;
      if (turned) {
        this.#connect();
        return;
      }
      this.#failure ??= 'closed';
      this.#reached = false;
      this.#timer = setTimeout(() => {
        this.#connect();
      }, this.#pause);
      this.#timer.unref();
      this.#pause = Math.min(this.#pause * 2, longestPause);
    });
  }

  #send(): void {
    const socket = this.#socket;
    if (this.#stopped || this.#turning !== undefined || socket?.authorized !== true) return;
    clearTimeout(this.#timer);
    const [first] = this.#sent;
    if (first !== undefined && first.at <= this.#options.monotonic() - turnMilliseconds) {
      this.#turn(socket);
      return;
    }
    while (!this.#full) {
      const entries = this.#options.entries(this.#next, batch);
      const last = entries.at(-1);
      if (last === undefined) break;
      const frames = entries.map((entry) => syslogFrame(syslogMessage(entry, this.#options)));
      this.#full = !socket.write(Buffer.concat(frames));
      this.#next = last.seq;
      this.#sent.push({ seq: last.seq, at: this.#options.monotonic() });
    }
    this.#timer = setTimeout(() => {
      this.#send();
    }, pollMilliseconds);
    this.#timer.unref();
  }

  /** Ends the connection in order: the receiver's own end says that it has everything. */
  #turn(socket: TLSSocket): void {
    this.#turning = 'ended';
    this.#awaited(socket);
    socket.end();
  }

  /** Cuts a connection off whose other side says nothing in time; gives how to call that off. */
  #awaited(socket: TLSSocket): () => void {
    const timer = setTimeout(() => {
      this.#failure = 'unanswered';
      socket.destroy();
    }, answerMilliseconds);
    timer.unref();
    const stop = (): void => {
      clearTimeout(timer);
    };
    socket.once('close', stop);
    return stop;
  }

  /** Moves the cursor to what was sent. */
  #confirm(): void {
    const last = this.#sent.at(-1);
    this.#sent = [];
    if (last !== undefined) this.#options.cursor.write(last.seq);
  }
}
