import { readFileSync } from 'node:fs';
import type { RunningAppliance } from './appliance.ts';
import { find, request, wire, Wires } from './vcenter.ts';
import type { Answer, Shape, Wire } from './vcenter.ts';

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
  async send(item: Wire, shape: Shape = {}): Promise<Answer['results'][number]> {
    const [result] = await this.sendAll([item], shape);
    if (result === undefined) throw new Error('no result');
    return result;
  }

  /** Several in one message. Throws when there is no answer, or one of them is refused. */
  async sendAll(items: readonly Wire[], shape: Shape = {}): Promise<Answer['results']> {
    const { host, port } = this.#server;
    if (this.#wires === undefined || this.#wires.socket.destroyed) {
      this.#wires = new Wires({ host, port, ...this.#files });
    }
    const { results } = await this.#wires.exchange(request(items, shape));
    const refused = results.find(({ status }) => status !== 0);
    if (refused !== undefined) throw new Error(`refused: ${String(refused.reason)}`);
    if (results.length !== items.length) throw new Error('results are missing');
    return results;
  }

  async create(): Promise<string> {
    return identifierIn(await this.send(wire.create()));
  }

  /** So many keys in one message. */
  async createAll(count: number): Promise<string[]> {
    const items = Array.from({ length: count }, () => wire.create());
    return (await this.sendAll(items)).map(identifierIn);
  }

  /** The key in hexadecimal. */
  async get(id: string): Promise<string> {
    return keyIn(await this.send(wire.get(id)));
  }

  /** The keys in hexadecimal, in one message. */
  async getAll(ids: readonly string[]): Promise<string[]> {
    return (await this.sendAll(ids.map((id) => wire.get(id)))).map(keyIn);
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

function identifierIn({ payload }: Answer['results'][number]): string {
  const id = find(payload, 0x420094)?.body.toString();
  if (id === undefined) throw new Error('no identifier');
  return id;
}

function keyIn({ payload }: Answer['results'][number]): string {
  const key = find(payload, 0x42008f, 0x420040, 0x420045, 0x420043)?.body.toString('hex');
  if (key === undefined) throw new Error('no key');
  return key;
}
