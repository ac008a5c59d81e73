import { decode } from '../../appliance/ttlv/decode.ts';
import { encode } from '../../appliance/ttlv/encode.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { startAppliance } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { Wires } from '../harness/vcenter.ts';
import { post, spoken } from './http.ts';
import { exchangesOf } from './profile-case.ts';
import type { ProfileCase } from './profile-case.ts';
import { replay } from './replay.ts';
import type { Replayed, Send } from './replay.ts';
import type { Family } from './scene.ts';

/** A run of one case: how each exchange went, when it began, what its family knew before. */
export interface Run {
  readonly replayed: readonly Replayed[];
  readonly now: number;
  readonly family: Family;
}

/**
 * A real appliance with two clients of one key group. The cases of a family are sent by one and the
 * other in turn: what one has made, the next has to find.
 */
export class Stage {
  readonly #appliance: RunningAppliance;
  readonly #endings: readonly (() => unknown)[];
  readonly #clients: Wires[] = [];
  readonly #families = new Map<string, Family>();

  private constructor(appliance: RunningAppliance, endings: readonly (() => unknown)[]) {
    this.#appliance = appliance;
    this.#endings = endings;
  }

  static async open(): Promise<Stage> {
    const endings: (() => unknown)[] = [];
    const teardown = (ending: () => unknown): void => {
      endings.push(ending);
    };
    return new Stage(await startAppliance({ teardown }, { clients: 2, https: true }), endings);
  }

  /** Plays one case; throws where a request needs what an answer did not give. */
  async play(profileCase: ProfileCase, exchanges = exchangesOf(profileCase)): Promise<Run> {
    const { family: name, version, number } = profileCase;
    const key = `${version} ${name}`;
    const family = this.#families.get(key) ?? { made: new Set(), registered: new Map() };
    this.#families.set(key, family);
    const now = Math.floor(performance.timeOrigin + performance.now()) / 1000;
    const began = Math.floor(now);
    const client = (number.at(0) ?? 0) % 2;
    const replayed = await replay(exchanges, this.#send(client, name), began, family);
    return { replayed, now: began, family };
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.end();
    for (const ending of this.#endings) await ending();
  }

  /** Straight over TLS, but for the families that are about other encodings. */
  #send(client: number, family: string): Send {
    const encoding = spoken[family];
    return async (request: Item) => {
      if (encoding !== undefined) {
        const to = { ...this.#identity(client), port: this.#appliance.httpsPort };
        const { type, write, read } = encoding;
        return read((await post(to, write(request), type)).body);
      }
      const wires = (this.#clients[client] ??= this.#connect(client));
      const answer = await wires.exchange(encode(request));
      return decode(answer.raw);
    };
  }

  #connect(client: number): Wires {
    return new Wires({ ...this.#identity(client), port: this.#appliance.port });
  }

  #identity(client: number): { host: string; cert: string; key: string } {
    const name = client === 0 ? 'client' : 'client2';
    const read = (file: string): string => this.#appliance.read(name, file);
    return { host: this.#appliance.host, cert: read('cert.pem'), key: read('key.pem') };
  }
}
