import type { Introduced, PublicRoot } from '../keeper-client/pairing.ts';
import { ErrandError } from './errand.ts';
import type { Errand } from './errand.ts';
import { isSame, proofOf, readCode } from './invitation.ts';
import type { KeeperOfPair } from './keeper-of-pair.ts';
import type {
  Dowry,
  GuestHello,
  HostHello,
  Joining,
  Keys,
  NodeFacts,
  Opened,
  PairingView,
  Proof,
  Welcome,
} from './pairing-host.ts';
import { introduction } from './pairing-host.ts';
import type { Surroundings } from './surroundings.ts';

export interface PairingGuestParts {
  readonly keeper: KeeperOfPair;
  /** This node, which is another one at each attempt. */
  readonly self: () => Introduced;
  readonly surroundings: Surroundings;
  /** Connects to an inviter's peer port. Throws ErrandError `unreachable`. */
  readonly connect: (address: string) => Promise<Errand>;
  /** What this node can say of itself once the wrapping key is open. */
  readonly facts: (cluster: string) => Promise<NodeFacts>;
  /** Keeps, durably, whom this node joined. */
  readonly keep: (host: Joining, cluster: string, dowry: Dowry) => Promise<void>;
}

const lookMilliseconds = 100;

/** The side of a pairing that is new. */
export class PairingGuest {
  readonly #parts: PairingGuestParts;
  #view: PairingView = { state: 'none' };
  #attempt = 0;

  constructor(parts: PairingGuestParts) {
    this.#parts = parts;
  }

  view(): PairingView {
    return this.#view;
  }

  /**
   * Joins with a code, for a root key that its keeper has prepared. Resolves once both nodes have
   * proven the code to each other, and goes on from there. Throws ErrandError.
   */
  async join(address: string, code: string, root: PublicRoot): Promise<void> {
    const attempt = ++this.#attempt;
    const secret = readCode(code);
    if (secret === undefined) {
      throw new ErrandError('code-refused', 'this is no code: a letter is wrong or missing');
    }
    this.#view = { state: 'waiting' };
    const self = this.#parts.self();
    const errand = await this.#parts.connect(address);
    try {
      const hello = await this.#prove(errand, secret, self);
      void this.#go(attempt, errand, hello, { ...introduction(self), root });
    } catch (error) {
      this.#end(attempt, errand, error);
      throw error;
    }
  }

  async #prove(errand: Errand, secret: Buffer, self: Introduced): Promise<HostHello> {
    const bound = {
      exporter: errand.exporter,
      inviter: errand.theirs,
      joiner: self.transportKey,
    };
    errand.send({ proof: proofOf(secret, 'joiner', bound) } satisfies Proof);
    const hello = await errand.receive<HostHello>();
    const right = isSame(hello.proof, proofOf(secret, 'inviter', bound));
    if (!right || hello.inviter.transportKey !== bound.inviter) {
      throw new ErrandError('not-the-peer', 'somebody else answers at this address');
    }
    return hello;
  }

  async #go(
    attempt: number,
    errand: Errand,
    hello: HostHello,
    joiner: GuestHello['joiner'],
  ): Promise<void> {
    const { keeper, facts, keep } = this.#parts;
    try {
      const inviter = introduction(hello.inviter);
      const { cluster, identity } = hello;
      await keeper.propose({ role: 'joiner', cluster, identity, inviter, joiner });
      const peer = { node: inviter.node, name: inviter.name };
      this.#view = { state: 'comparing', peer };
      errand.send({ joiner } satisfies GuestHello);
      await this.#confirmed(errand);
      errand.send({ ready: true });
      const { statement } = await errand.receive<Keys>();
      this.#view = { state: 'exchanging', peer };
      await keeper.take(statement);
      const own = await facts(cluster);
      const back = await keeper.statement(inviter.node);
      errand.send({ ...own, statement: back } satisfies Opened);
      const { addresses, recordKey, dowry } = await errand.receive<Welcome>();
      await keep({ ...inviter, addresses, recordKey }, cluster, dowry);
      if (attempt === this.#attempt) this.#view = { state: 'joined', peer };
      errand.end();
    } catch (error) {
      this.#end(attempt, errand, error);
    }
  }

  async #confirmed(errand: Errand): Promise<void> {
    for (;;) {
      const candidate = await this.#parts.keeper.candidate();
      if (candidate === undefined) {
        throw new ErrandError('not-confirmed', 'the words were refused on the other node');
      }
      if (candidate.confirmed) return;
      // It says why it went, if it could.
      if (errand.ended) await errand.receive();
      await new Promise<void>((resolve) => {
        this.#parts.surroundings.after(lookMilliseconds, resolve);
      });
    }
  }

  #end(attempt: number, errand: Errand, error: unknown): void {
    const known =
      error instanceof ErrandError
        ? error
        : new ErrandError('ended', 'the other node could not go on', { cause: error });
    const text = error instanceof Error ? error.message : 'unknown';
    this.#parts.surroundings.log('warn', 'the pairing went no further', { error: text });
    const { code, message } = known;
    if (attempt === this.#attempt) this.#view = { state: 'failed', code, message };
    errand.refuse(known);
  }
}
