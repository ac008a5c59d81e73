import { createPublicKey, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { KeeperError } from '../keeper-client/keeper.ts';
import type {
  PairingCandidate,
  PairingProposal,
  PublicRoot,
  Statement,
} from '../keeper-client/pairing.ts';
import { deriveFrom, openSecret } from './cluster-secret.ts';
import { removeFile, replaceFile } from '../disk/durable-file.ts';
import { fingerprintWords } from './fingerprint-words.ts';
import type { Peer } from './peer.ts';
import { slotFor } from './peer-slot.ts';
import { recoverySlots } from './recovery-part.ts';
import { rotateWrappingKey } from './rotation.ts';
import type { KeeperParts } from './rotation.ts';
import { readStored, slotTablePurpose, writeSlotTable } from './slot-table.ts';
import type { SlotTable } from './slot-table.ts';
import { authenticOf, makeStatement, openOffers } from './statement.ts';
import { recoverySaid, takeStatement } from './statement.ts';
import type { Said } from './statement.ts';
import type { Turns } from './turns.ts';

const identityPurpose = 'pairing identity';

interface Candidate {
  readonly proposal: PairingProposal;
  readonly words: readonly string[];
  confirmed: boolean;
}

/**
 * Gives the wrapping keys to another node's root key, which is the most dangerous act there is:
 * only for a key whose fingerprint words a person has compared and confirmed here, at the console
 * socket. The server introduces and carries; it can neither confirm nor make a slot.
 */
export class Pairing {
  readonly #parts: KeeperParts;
  readonly #rootFile: string;
  #candidate: Candidate | undefined;
  /** Generations that nothing is sealed under here; and what peers said that they need. */
  readonly #done = new Set<string>();
  readonly #needed = new Map<string, readonly string[]>();
  readonly #turns: Pick<Turns, 'take'>;

  /** `turns`: the keeper's, for what changes the slot table. */
  constructor(parts: KeeperParts, turns: Pick<Turns, 'take'>) {
    this.#parts = parts;
    this.#turns = turns;
    this.#rootFile = join(parts.folder, 'joining-root');
  }

  /** What tells this cluster's keepers from all others, in hexadecimal; it tells no secret. */
  identity(): { readonly cluster: string; readonly identity: string } {
    const { cluster } = this.#parts.ring.opened().table;
    return { cluster, identity: this.#parts.ring.derive(identityPurpose).toString('hex') };
  }

  /**
   * The root key of a node that is to join, made in its token or made before. A join that was cut
   * short is taken back: nothing was sealed under its keys. Throws KeeperError `not-new`, `token`.
   */
  prepareJoin(label: string): Promise<PublicRoot> {
    return this.#turns.take(() => this.#prepareJoin(label));
  }

  async #prepareJoin(label: string): Promise<PublicRoot> {
    const { ring, tokens, folder } = this.#parts;
    const root = tokens.inUse;
    const state = ring.table !== undefined || readStored(folder).found ? 'known' : 'new';
    if (state !== 'new' && ring.table?.joining !== true) {
      throw new KeeperError('not-new', 'this node has keys already');
    }
    if (state !== 'new') {
      // Set aside, not deleted: what was sealed under them would be lost with them.
      setSlotsAside(folder);
      ring.reset();
    }
    this.#candidate = undefined;
    const kept = this.#keptRoot();
    if (kept !== undefined) return kept;
    return root.attempt(async () => {
      const made = await root.makeRootKey(label);
      const prepared: PublicRoot = {
        keyId: Buffer.from(made.id).toString('hex'),
        label,
        publicKey: Buffer.from(made.publicKey).toString('base64'),
        hash: made.hash,
      };
      replaceFile(this.#rootFile, Buffer.from(JSON.stringify(prepared)));
      return prepared;
    });
  }

  /** Shows a pairing to the person at the console. Throws KeeperError `proposal-refused`. */
  propose(proposal: PairingProposal): void {
    this.#checkOwnPart(proposal);
    const { publicKey } = proposal.joiner.root;
    try {
      const key = { key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' } as const;
      const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey(key);
      if (asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) < 2048) {
        throw new Error('too weak');
      }
    } catch (cause) {
      throw new KeeperError('proposal-refused', 'no RSA key of 2048 bits or more', { cause });
    }
    const words = fingerprintWords(canonical(proposal));
    this.#candidate = { proposal, words, confirmed: false };
    this.#parts.log('warn', 'a pairing waits for a person to compare words', {
      node: proposal.role === 'inviter' ? proposal.joiner.node : proposal.inviter.node,
    });
  }

  candidate(): PairingCandidate | undefined {
    if (this.#candidate === undefined) return undefined;
    const { proposal, words, confirmed } = this.#candidate;
    const { name, node } = proposal.role === 'inviter' ? proposal.joiner : proposal.inviter;
    return { role: proposal.role, name, node, words, confirmed };
  }

  /**
   * A person has compared the words on both nodes. The inviter's keeper makes the joiner's slots
   * now. `words`: those that the person saw. Throws KeeperError `proposal-refused`, `sealed`.
   */
  confirm(words: readonly string[]): Promise<void> {
    return this.#turns.take(() => {
      this.#confirm(words);
      return Promise.resolve();
    });
  }

  #confirm(words: readonly string[]): void {
    const found = this.#candidate;
    if (found === undefined || found.words.join(' ') !== words.join(' ')) {
      throw new KeeperError('proposal-refused', 'these are not the words that wait');
    }
    const { role, joiner, inviter } = found.proposal;
    if (role === 'inviter') this.#admit(inviter.node, joiner);
    found.confirmed = true;
    this.#parts.log('warn', 'a person confirmed the words of a pairing', {
      node: role === 'inviter' ? joiner.node : inviter.node,
    });
  }

  /** Forgets what waits for a person: the words differed. */
  refuse(): void {
    this.#candidate = undefined;
  }

  /** What this node's keeper tells a peer's. Throws KeeperError `peer-unknown`, `sealed`. */
  state(node: string): Statement {
    return makeStatement(this.#parts, node, this.#done);
  }

  /**
   * Takes in what a peer's keeper says, one at a time; a joiner gets its keys this way once a
   * person has confirmed. Throws KeeperError `statement-refused`, `peer-unknown`, `token`.
   */
  take(statement: Statement): Promise<void> {
    return this.#turns.take(async () => {
      const { ring } = this.#parts;
      if (ring.written === undefined) await this.#join(statement);
      const said = await takeStatement(this.#parts, statement);
      if (said !== undefined) this.#needed.set(said.from, said.needed);
    });
  }

  /** Every record is here and every secret was opened: the node is a member like any other. */
  joined(): Promise<void> {
    return this.#turns.take(() => {
      const { ring } = this.#parts;
      if (ring.opened().table.joining === true) {
        ring.store({ joining: undefined });
        removeFile(this.#rootFile);
      }
      return Promise.resolve();
    });
  }

  /**
   * Nothing here is sealed under the older generations. Gives those that no peer needs either:
   * they can be forgotten.
   */
  retirable(older: readonly string[]): string[] {
    for (const id of older) this.#done.add(id);
    const { peers = [] } = this.#parts.ring.opened().table;
    return older.filter((id) =>
      peers.every(({ node }) => this.#needed.get(node)?.includes(id) === false),
    );
  }

  /**
   * Cuts a peer off for good: its slots go, no word of it is taken, and a wrapping key begins that
   * it never had. Throws KeeperError `peer-unknown`, `token`: then it is gone, and the rotation is
   * still to be done.
   */
  remove(node: string): Promise<string> {
    return this.#turns.take(() => this.#remove(node));
  }

  async #remove(node: string): Promise<string> {
    const { ring, log } = this.#parts;
    const { table } = ring.opened();
    const { peers = [] } = table;
    if (!peers.some((peer) => peer.node === node)) {
      throw new KeeperError('peer-unknown', 'no such peer');
    }
    ring.store({ peers: peers.filter((peer) => peer.node !== node), owed: true });
    this.#candidate = undefined;
    this.#needed.delete(node);
    log('warn', 'a peer was removed; a new wrapping key begins', { node });
    return rotateWrappingKey(this.#parts, { urgent: true });
  }

  #admit(own: string, { node, name, root }: PairingProposal['joiner']): void {
    const { ring, now } = this.#parts;
    const { table } = ring.opened();
    const others = (table.peers ?? []).filter((peer) => peer.node !== node);
    if (others.length < (table.peers ?? []).length || others.length > 0) {
      const known = table.peers?.find((peer) => peer.node === node);
      if (known === undefined || known.proven.length > 0) {
        throw new KeeperError('proposal-refused', 'there is a peer already: remove it first');
      }
    }
    const slots = ring.keys.map((key) => slotFor(root, key, now()));
    const peer: Peer = { node, name, root, slots, serial: 0, proven: [] };
    ring.store({ node: own, peers: [...others, peer] });
  }

  /** A joiner's keys: opened through its token, of the cluster whose words were compared. */
  async #join(statement: Statement): Promise<void> {
    const { ring, tokens, folder, now } = this.#parts;
    const root = tokens.inUse;
    const found = this.#candidate;
    if (found?.confirmed !== true || found.proposal.role !== 'joiner') {
      throw new KeeperError('statement-refused', 'nobody has confirmed a pairing here');
    }
    const { inviter, joiner, cluster, identity } = found.proposal;
    const said = JSON.parse(statement.body) as Said;
    const ours = said.offers.every(({ keyId }) => keyId === joiner.root.keyId);
    const known = said.from === inviter.node && said.cluster === cluster;
    if (!known || said.to !== joiner.node || !ours) {
      throw new KeeperError('statement-refused', 'not from the node of the pairing');
    }
    const keys = await root.attempt(() => openOffers(this.#parts, said.offers));
    const authentic = authenticOf(statement, keys);
    const written = keys.find((key) => key.generation.toString('hex') === said.written);
    if (authentic.length !== keys.length || written === undefined) {
      throw new KeeperError('statement-refused', 'not from a keeper that has these keys');
    }
    const secret = openSecret({ cluster, secret: said.secret }, written);
    const derived = deriveFrom(secret, cluster, identityPurpose);
    secret.fill(0);
    if (!timingSafeEqual(derived, Buffer.from(identity, 'hex'))) {
      throw new KeeperError('statement-refused', 'not the cluster whose words were compared');
    }
    const recovery = recoverySaid(said);
    const recovering = keys.flatMap((key) => recoverySlots(recovery, key, now()));
    const { node, name } = inviter;
    const peer: Peer = {
      ...{ node, name, root: said.root, serial: said.serial, proven: authentic },
      slots: said.slots,
    };
    const table: SlotTable = {
      ...{ version: 2, serial: 1, cluster, written: said.written, secret: said.secret },
      slots: [...said.offers, ...recovering],
      ...recovery,
      ...{ node: joiner.node, peers: [peer], order: said.order, joining: true },
    };
    writeSlotTable(folder, table, written.derive(slotTablePurpose));
    ring.adopt(table, keys);
    root.noteProof(joiner.root);
    this.#parts.log('info', 'the wrapping keys of a cluster are open here', { cluster });
  }

  #checkOwnPart({ role, cluster, identity, joiner }: PairingProposal): void {
    if (role === 'inviter') {
      const own = this.identity();
      if (own.cluster === cluster && own.identity === identity) return;
    } else if (this.#keptRoot()?.publicKey === joiner.root.publicKey) {
      return;
    }
    throw new KeeperError('proposal-refused', 'not a pairing of this node');
  }

  #keptRoot(): PublicRoot | undefined {
    if (!existsSync(this.#rootFile)) return undefined;
    return JSON.parse(readFileSync(this.#rootFile, 'utf8')) as PublicRoot;
  }
}

/** All that a pairing trusts, in one fixed form. */
function canonical({ cluster, identity, inviter, joiner }: PairingProposal): string {
  const { root } = joiner;
  return JSON.stringify([
    'twinlock pairing 1',
    ...[cluster, identity, inviter.node, inviter.name, inviter.transportKey],
    ...[joiner.node, joiner.name, joiner.transportKey],
    ...[root.keyId, root.label, root.publicKey, root.hash],
  ]);
}

function setSlotsAside(folder: string): void {
  for (const copy of ['slots.a', 'slots.b']) {
    const path = join(folder, copy);
    if (existsSync(path)) renameSync(path, `${path}.before-join`);
  }
}
