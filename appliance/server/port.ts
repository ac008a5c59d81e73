import type { AddressInfo, ListenOptions } from 'node:net';
import { RefusalCount } from '../audit/refusal-count.ts';
import { Listener } from './listener.ts';
import type { ListenerOptions } from './listener.ts';
import { WebListener } from './web-listener.ts';

const sweepMilliseconds = 60_000;

/** The ports that clients come to: KMIP's own, and that of the HTTPS profiles where wanted. */
export class ClientPorts {
  readonly #kmip: Listener;
  readonly #web: WebListener | undefined;
  readonly #log: ListenerOptions['log'];
  readonly #refusals: RefusalCount;
  readonly #sweeping: NodeJS.Timeout;

  /** `web`: where the HTTPS profiles listen; nowhere without it. */
  constructor(given: Omit<ListenerOptions, 'refused'>, web: ListenOptions | undefined) {
    this.#log = given.log;
    this.#refusals = refusalsIn(given);
    const refused = (who: string): void => {
      this.#refusals.count(who);
    };
    const options = { ...given, refused };
    this.#kmip = new Listener(options);
    this.#web = web === undefined ? undefined : new WebListener({ ...options, listen: web });
    this.#sweeping = setInterval(() => {
      this.#refusals.sweep();
    }, sweepMilliseconds).unref();
  }

  /**
   * Resolves with KMIP's address once its port is open; rejects with what the system says. That the
   * HTTPS profiles have no port keeps nobody from KMIP.
   */
  async listen(): Promise<AddressInfo> {
    const kmip = await this.#kmip.listen();
    try {
      const web = await this.#web?.listen();
      if (web !== undefined) {
        const { address, port } = web;
        this.#log('info', 'HTTPS profiles are served', { address, httpsPort: port });
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      this.#log('error', 'HTTPS profiles cannot be served', { error: text });
    }
    return kmip;
  }

  /** Ends every live connection of a certificate, at once. */
  cut(certificateFingerprint: string): number {
    return this.#kmip.cut(certificateFingerprint) + (this.#web?.cut(certificateFingerprint) ?? 0);
  }

  /** Shows another certificate of the same key on new connections. */
  show(certificate: string): void {
    this.#kmip.show(certificate);
    this.#web?.show(certificate);
  }

  get connections(): number {
    return this.#kmip.connections + (this.#web?.connections ?? 0);
  }

  async close(): Promise<void> {
    await Promise.all([this.#kmip.close(), this.#web?.close()]);
    clearInterval(this.#sweeping);
    this.#refusals.flush();
  }
}

/** Tells the audit of those who are not let in, and names those who were once. */
function refusalsIn({ keystore, now }: Omit<ListenerOptions, 'refused'>): RefusalCount {
  return new RefusalCount(now, (who, times) => {
    const client = keystore.client(who);
    const why = client === undefined ? 'not let in' : client.state;
    const reason = times === 1 ? why : `${why}, ${times} times`;
    const actor = `client:${client?.name ?? who}`;
    keystore.note({ request: '', actor, act: 'KMIP connection', outcome: 'denied', reason });
  });
}
