import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo, ListenOptions } from 'node:net';
import { Metrics } from './metrics.ts';
import type { MetricsSource } from './metrics.ts';

export interface MetricsServerOptions extends MetricsSource {
  /** A real read of the database; throws when it cannot serve. */
  readonly check: () => void;
}

/** A root key that has not opened a test value for so many seconds is not ready. */
const readySeconds = 60;

/**
 * Answers monitoring: `/metrics`, `/healthz` (the database answers) and `/readyz` (and the root
 * key opened a test value within the last minute). Shows no name, key or secret; asks nobody who
 * he is; off unless the configuration gives it an address.
 */
export class MetricsServer {
  readonly #options: MetricsServerOptions;
  readonly #metrics: Metrics;
  readonly #server: Server;

  constructor(options: MetricsServerOptions) {
    this.#options = options;
    this.#metrics = new Metrics(options);
    this.#server = createServer(
      { requestTimeout: 5_000, maxHeaderSize: 4_096 },
      (asked, answer) => {
        const path = asked.method === 'GET' ? (asked.url ?? '').split('?')[0] : undefined;
        this.#answer(path, answer).catch(() => {
          if (!answer.headersSent) answer.writeHead(500);
          answer.end('the server could not say\n');
        });
      },
    );
    this.#server.maxConnections = 32;
  }

  listen(listen: ListenOptions): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(listen, () => {
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(path: string | undefined, answer: ServerResponse): Promise<void> {
    switch (path) {
      case '/metrics': {
        const text = await this.#metrics.text();
        answer.writeHead(200, { 'content-type': this.#metrics.contentType });
        answer.end(text);
        return;
      }
      case '/healthz':
        say(answer, this.#unhealthy());
        return;
      case '/readyz':
        say(answer, this.#unhealthy() ?? (await this.#unready()));
        return;
      default:
        answer.writeHead(404);
        answer.end();
    }
  }

  #unhealthy(): string | undefined {
    try {
      this.#options.check();
      return undefined;
    } catch {
      return 'the database does not answer';
    }
  }

  async #unready(): Promise<string | undefined> {
    const { state, rootKey } = await this.#options.status();
    if (state !== 'SERVING' && state !== 'DEGRADED') return state.toLowerCase();
    const { provenSeconds = Number.POSITIVE_INFINITY } = rootKey;
    return rootKey.state === 'ready' && provenSeconds <= readySeconds
      ? undefined
      : 'the root key is not proven';
  }
}

function say(answer: ServerResponse, problem: string | undefined): void {
  answer.writeHead(problem === undefined ? 200 : 503, { 'content-type': 'text/plain' });
  answer.end(`${problem ?? 'ok'}\n`);
}
