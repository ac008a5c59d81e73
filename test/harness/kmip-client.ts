import { readFileSync } from 'node:fs';
import type { RunningAppliance } from './appliance.ts';
import { find, request, wire, Wires } from './vcenter.ts';
import type { Answer, Wire } from './vcenter.ts';

/** Where KMIP is served, and where the client's files lie. */
type Served = Pick<RunningAppliance, 'host' | 'port' | 'file'>;

/** A client that keeps its connection and makes another when it breaks. */
export class KmipClient {
  readonly #server: { readonly host: string; readonly port: number };
  readonly #files: { cert: Buffer; key: Buffer };
  #wires: Wires | undefined;

  /** `server`: another one that lets in this appliance's client. */
  constructor(
    appliance: Served,
    name = 'client',
    server: { readonly host: string; readonly port: number } = appliance,
  ) {
    this.#server = server;
    this.#files = {
      cert: readFileSync(appliance.file(name, 'cert.pem')),
      key: readFileSync(appliance.file(name, 'key.pem')),
    };
  }

  /** Throws when there is no answer or a refusal. */
  async send(item: Wire): Promise<Answer['results'][number]> {
    const { host, port } = this.#server;
    if (this.#wires === undefined || this.#wires.socket.destroyed) {
      this.#wires = new Wires({ host, port, ...this.#files });
    }
    const [result] = (await this.#wires.exchange(request([item]))).results;
    if (result?.status !== 0) throw new Error(`refused: ${String(result?.reason)}`);
    return result;
  }

  async create(): Promise<string> {
    const { payload } = await this.send(wire.create());
    const id = find(payload, 0x420094)?.body.toString();
    if (id === undefined) throw new Error('no identifier');
    return id;
  }

  /** The key in hexadecimal. */
  async get(id: string): Promise<string> {
    const { payload } = await this.send(wire.get(id));
    const key = find(payload, 0x42008f, 0x420040, 0x420045, 0x420043)?.body.toString('hex');
    if (key === undefined) throw new Error('no key');
    return key;
  }

  /** Asks again until there is an answer. */
  async insist<T>(act: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await act();
      } catch (error) {
        if (tries > 20_000) throw error;
        this.#wires?.socket.destroy();
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  end(): void {
    this.#wires?.socket.destroy();
  }
}
