import { KeeperConnection } from './connection.ts';
import { KeeperError } from './keeper.ts';
import type { ActPlace, ConsoleActs } from './console-act.ts';
import type { Keeper, KeeperStatus } from './keeper.ts';
import type { PairingCandidate, PairingProposal, Statement } from './pairing.ts';
import {
  joinItems,
  keeperErrorCodes,
  keeperItemBytes,
  keeperRequest,
  splitOutcomes,
} from './request.ts';
import type { ClusterPurpose, Item } from './request.ts';

interface Asked extends Item {
  /** Milliseconds of the monotonic clock until which a sealed keeper is asked again. */
  readonly until: number;
  readonly resolve: (data: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

const batchBytes = 4 << 20;
/** A keeper that was killed is sealed until it has opened its slots again. */
const sealedPauseMilliseconds = 50;

/** The server's client of the keeper: all that is asked in one turn of the loop is one message. */
export class KeeperClient implements Keeper {
  readonly #connection: KeeperConnection;
  readonly #asked = { seal: [] as Asked[], open: [] as Asked[] };
  readonly #patience: number;
  #scheduled = false;

  /** `patience`: milliseconds that a call may wait for a keeper that is away or still sealed. */
  constructor(path: string, patience = 10_000) {
    this.#patience = patience;
    this.#connection = new KeeperConnection(path, patience);
  }

  seal(context: Uint8Array, plaintext: Uint8Array): Promise<Buffer> {
    return this.#ask('seal', context, plaintext);
  }

  open(context: Uint8Array, sealed: Uint8Array): Promise<Buffer> {
    return this.#ask('open', context, sealed);
  }

  derive(purpose: ClusterPurpose): Promise<Buffer> {
    return this.#connection.call(keeperRequest.derive, Buffer.from(purpose));
  }

  async slots(): Promise<string> {
    return (await this.#connection.call(keeperRequest.slots, Buffer.alloc(0))).toString();
  }

  async status(): Promise<KeeperStatus> {
    const answer = await this.#connection.call(keeperRequest.status, Buffer.alloc(0));
    return JSON.parse(answer.toString()) as KeeperStatus;
  }

  /** Nothing is sealed under these generations any more: the keeper may forget the older ones. */
  async retire(generations: readonly string[]): Promise<void> {
    await this.#connection.call(keeperRequest.retire, Buffer.from(JSON.stringify(generations)));
  }

  /** What persons did at the keeper's console and no audit has yet; undefined before any act. */
  async consoleActs(): Promise<ConsoleActs | undefined> {
    const found = await this.#json(keeperRequest.consoleActs);
    return (found ?? undefined) as ConsoleActs | undefined;
  }

  /** These acts are in the audit, and flushed: the keeper may forget them. */
  async consoleActsTaken(upTo: ActPlace): Promise<void> {
    const payload = Buffer.from(JSON.stringify(upTo));
    await this.#connection.call(keeperRequest.consoleActsTaken, payload);
  }

  /** The cluster's id, and what tells its keepers from all others. */
  async identity(): Promise<{ readonly cluster: string; readonly identity: string }> {
    return (await this.#json(keeperRequest.identity)) as { cluster: string; identity: string };
  }

  /** Has the keeper show a pairing to the person at its console. Throws `proposal-refused`. */
  async propose(proposal: PairingProposal): Promise<void> {
    const payload = Buffer.from(JSON.stringify(proposal));
    await this.#connection.call(keeperRequest.propose, payload);
  }

  async candidate(): Promise<PairingCandidate | undefined> {
    return ((await this.#json(keeperRequest.candidate)) ?? undefined) as
      PairingCandidate | undefined;
  }

  /** What this node's keeper tells the keeper of a peer. Throws `peer-unknown`, `sealed`. */
  async statement(node: string): Promise<Statement> {
    return (await this.#json(keeperRequest.statement, Buffer.from(node))) as Statement;
  }

  /** Gives the keeper what a peer's keeper said. Throws `statement-refused`, `peer-unknown`. */
  async take(statement: Statement): Promise<void> {
    await this.#connection.call(keeperRequest.take, Buffer.from(JSON.stringify(statement)));
  }

  /** Every record of the cluster is here and every secret was opened. */
  async joined(): Promise<void> {
    await this.#connection.call(keeperRequest.joined, Buffer.alloc(0));
  }

  close(): void {
    this.#connection.close();
  }

  async #json(kind: number, payload = Buffer.alloc(0)): Promise<unknown> {
    return JSON.parse((await this.#connection.call(kind, payload)).toString()) as unknown;
  }

  #ask(kind: 'seal' | 'open', context: Uint8Array, data: Uint8Array): Promise<Buffer> {
    if (data.length + context.length > keeperItemBytes || context.length > 0xffff) {
      return Promise.reject(new KeeperError('too-large', 'too large to seal'));
    }
    return new Promise((resolve, reject) => {
      const until = performance.now() + this.#patience;
      this.#asked[kind].push({ context, data, resolve, reject, until });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const each of ['seal', 'open'] as const) {
        const items = this.#asked[each];
        this.#asked[each] = [];
        for (const batch of batches(items)) void this.#send(each, batch);
      }
    });
  }

  #again(kind: 'seal' | 'open', item: Asked): void {
    setTimeout(() => {
      this.#asked[kind].push(item);
      this.#schedule();
    }, sealedPauseMilliseconds);
  }

  async #send(kind: 'seal' | 'open', items: readonly Asked[]): Promise<void> {
    try {
      const answer = await this.#connection.call(keeperRequest[kind], joinItems(items));
      const outcomes = splitOutcomes(answer);
      for (const [i, item] of items.entries()) {
        const { resolve, reject, until } = item;
        const outcome = outcomes[i];
        const sealed = outcome?.code === 1 + keeperErrorCodes.indexOf('sealed');
        if (sealed && performance.now() < until) this.#again(kind, item);
        else if (outcome === undefined) reject(new KeeperError('protocol', 'an answer is missing'));
        else if (outcome.code === 0) resolve(outcome.data);
        else reject(refused(outcome.code));
      }
    } catch (error) {
      for (const { reject } of items) reject(error);
    }
  }
}

function refused(code: number): KeeperError {
  const name = keeperErrorCodes[code - 1] ?? 'protocol';
  return new KeeperError(name, `the keeper refused: ${name}`);
}

function* batches(items: readonly Asked[]): Generator<Asked[]> {
  let batch: Asked[] = [];
  let size = 0;
  for (const item of items) {
    if (size + item.data.length > batchBytes && batch.length > 0) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(item);
    size += item.data.length + item.context.length + 6;
  }
  if (batch.length > 0) yield batch;
}
