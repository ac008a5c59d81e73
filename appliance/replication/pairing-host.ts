import type { Introduced, PairingProposal, Statement } from '../keeper-client/pairing.ts';
import type { Anchor } from '../keystore/membership.ts';
import { ErrandError } from './errand.ts';
import type { Errand } from './errand.ts';
import { Invitation } from './invitation.ts';
import type { KeeperOfPair } from './keeper-of-pair.ts';
import type { Surroundings } from './surroundings.ts';

/** How a pairing stands, for the person who waits for it. */
export interface PairingView {
  readonly state: 'none' | 'waiting' | 'comparing' | 'exchanging' | 'joined' | 'failed';
  /** The other node, once it has proven the code. */
  readonly peer?: { readonly node: string; readonly name: string };
  /** What went wrong. */
  readonly code?: string;
  readonly message?: string;
}

/** What a node says of itself at its pairing, beside what the keepers compare. */
export interface NodeFacts {
  /** "host:port" where its peer port is. */
  readonly addresses: readonly string[];
  /** Ed25519, SubjectPublicKeyInfo in base64. */
  readonly recordKey: string;
}

export interface Joining extends Introduced, NodeFacts {}

/** What a joiner is given beside its keys: the cluster's authority, the key sealed. */
export interface Dowry {
  readonly authority: string;
  readonly authorityKey: string;
  /** All that are or were members: what they wrote comes before the records that name them. */
  readonly members: readonly Anchor[];
}

export interface PairingHostParts {
  readonly keeper: KeeperOfPair;
  readonly self: Introduced & NodeFacts;
  readonly surroundings: Surroundings;
  readonly dowry: () => Promise<Dowry>;
  /** Writes the records that make both nodes members, durably. */
  readonly admit: (joiner: Joining) => Promise<void>;
}

export interface Proof {
  readonly proof: string;
}
export interface HostHello extends Proof {
  readonly cluster: string;
  readonly identity: string;
  readonly inviter: Introduced;
}
export interface GuestHello {
  readonly joiner: PairingProposal['joiner'];
}
export interface Keys {
  readonly statement: Statement;
}
export interface Opened extends NodeFacts, Keys {}
export interface Welcome extends NodeFacts {
  readonly dowry: Dowry;
}

/** Who knows the code says so at once. */
const proofMilliseconds = 10_000;
const lookMilliseconds = 100;

/** The side of a pairing that has the keys: one invitation at a time, one joiner at a time. */
export class PairingHost {
  readonly #parts: PairingHostParts;
  #invitation: Invitation | undefined;
  #errand: Errand | undefined;
  #view: PairingView = { state: 'none' };

  constructor(parts: PairingHostParts) {
    this.#parts = parts;
  }

  /** Makes an invitation in place of any earlier one. */
  invite(): {
    readonly code: string;
    readonly expires: number;
    readonly addresses: readonly string[];
  } {
    const { random, elapsed, now } = this.#parts.surroundings;
    this.#errand?.destroy();
    this.#invitation = new Invitation(random, elapsed, now());
    this.#view = { state: 'waiting' };
    const { code, expires } = this.#invitation;
    return { code, expires, addresses: this.#parts.self.addresses };
  }

  view(): PairingView {
    // A code that is used up is not over: its joiner is being introduced to the keeper.
    const isOpen = this.#invitation?.valid === true || this.#errand?.ended === false;
    if (this.#view.state !== 'waiting' || isOpen) return this.#view;
    return { state: 'failed', code: 'code-refused', message: 'the invitation is over' };
  }

  /** Takes a joiner's connection through to the end; never throws. */
  async serve(errand: Errand): Promise<void> {
    const { log } = this.#parts.surroundings;
    try {
      await this.#serve(errand);
    } catch (error) {
      const known =
        error instanceof ErrandError
          ? error
          : new ErrandError('ended', 'the other node could not go on', { cause: error });
      const text = error instanceof Error ? error.message : 'unknown';
      log('warn', 'a pairing went no further', { from: errand.address, error: text });
      if (this.#errand === errand) this.#fail(known);
      errand.refuse(known);
    }
  }

  async #serve(errand: Errand): Promise<void> {
    const { keeper, self, surroundings, admit, dowry } = this.#parts;
    // Where nobody was invited a stranger is not even listened to.
    if (this.#invitation?.valid !== true) throw codeRefused();
    const hurry = surroundings.after(proofMilliseconds, () => {
      errand.destroy();
    });
    const { proof } = await errand.receive<Proof>().finally(hurry);
    const bound = {
      exporter: errand.exporter,
      inviter: self.transportKey,
      joiner: errand.theirs,
    };
    const own = this.#tried(proof, bound);
    if (own === undefined) throw codeRefused();
    errand.admit();
    // Used up: a second joiner needs a second invitation.
    this.#invitation = undefined;
    this.#errand?.destroy();
    this.#errand = errand;
    const inviter = introduction(self);
    const { cluster, identity } = await keeper.identity();
    errand.send({ proof: own, cluster, identity, inviter } satisfies HostHello);
    const { joiner } = await errand.receive<GuestHello>();
    if (joiner.transportKey !== bound.joiner) {
      throw new ErrandError('not-the-peer', 'the joiner’s key is not the connection’s');
    }
    const { node, name } = joiner;
    await keeper.propose({ role: 'inviter', cluster, identity, inviter, joiner });
    this.#view = { state: 'comparing', peer: { node, name } };
    await this.#confirmed(errand);
    this.#view = { state: 'exchanging', peer: { node, name } };
    errand.send({ statement: await keeper.statement(node) } satisfies Keys);
    const opened = await errand.receive<Opened>();
    await keeper.take(opened.statement);
    const { pair } = await keeper.status();
    if (pair?.peers.find((peer) => peer.node === node)?.proven !== true) {
      throw new ErrandError('not-confirmed', 'the joiner has not opened its keys');
    }
    const { addresses, recordKey } = opened;
    await admit({ ...introduction(joiner), addresses, recordKey });
    errand.send({
      addresses: self.addresses,
      recordKey: self.recordKey,
      dowry: await dowry(),
    } satisfies Welcome);
    this.#view = { state: 'joined', peer: { node, name } };
    surroundings.log('info', 'a node was paired', { node, name });
    errand.end();
  }

  /** By the invitation that stands now: it may have been used while this joiner was slow. */
  #tried(proof: string, bound: Parameters<Invitation['admit']>[1]): string | undefined {
    return this.#invitation?.admit(proof, bound);
  }

  /** Waits for the two persons: the one here says so to the keeper, the other one's node tells. */
  async #confirmed(errand: Errand): Promise<void> {
    const ready = errand.receive<{ ready: true }>();
    // A refusal is met below, where it is waited for.
    ready.catch(() => {});
    for (;;) {
      const candidate = await this.#parts.keeper.candidate();
      if (candidate === undefined) {
        throw new ErrandError('not-confirmed', 'the words were refused on the other node');
      }
      if (candidate.confirmed) break;
      // It says why it went, if it could.
      if (errand.ended) await ready;
      await new Promise<void>((resolve) => {
        this.#parts.surroundings.after(lookMilliseconds, resolve);
      });
    }
    await ready;
  }

  #fail({ code, message }: ErrandError): void {
    const { peer } = this.#view;
    this.#view = { state: 'failed', code, message, ...(peer === undefined ? {} : { peer }) };
  }
}

function codeRefused(): ErrandError {
  return new ErrandError('code-refused', 'the code is wrong, used or over');
}

/** What the keepers compare of a node: nothing else that it may have been given with. */
export function introduction({ node, name, transportKey }: Introduced): Introduced {
  return { node, name, transportKey };
}
