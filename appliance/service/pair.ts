import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PairActs } from '../admin/pair.ts';
import type { KeeperClient } from '../keeper-client/client.ts';
import type { Statement } from '../keeper-client/pairing.ts';
import type { Member } from '../keystore/membership.ts';
import type { SqliteKeystore } from '../keystore/store.ts';
import { ErrandError } from '../replication/errand.ts';
import type { Errand } from '../replication/errand.ts';
import { callNode } from '../replication/errand-line.ts';
import { PairingHost } from '../replication/pairing-host.ts';
import type { Dowry } from '../replication/pairing-host.ts';
import type { Configuration } from './configuration.ts';
import { nodeName, peerAddresses } from './joining.ts';
import type { Log } from './log.ts';
import type { Replication } from './replication.ts';

const lookMilliseconds = 1_000;
/** Without news the keepers speak this often: a word that was lost is said again. */
const quietMilliseconds = 30_000;
const errandMilliseconds = 10_000;

export interface PairParts {
  readonly keystore: SqliteKeystore;
  readonly keeper: KeeperClient;
  readonly replication: Replication;
  readonly configuration: Configuration;
  readonly folder: string;
  readonly authority: string;
  readonly log: Log;
}

/** A node among others: pairs with a new one, and carries the keepers' statements. */
export class Pair implements PairActs {
  readonly #parts: PairParts;
  readonly #host: PairingHost;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #spoke = -quietMilliseconds;

  constructor(parts: PairParts) {
    this.#parts = parts;
    const { keystore, keeper, replication, configuration } = parts;
    const { replica } = keystore;
    const own = replica.members().find(({ node }) => node === replica.node);
    const self = {
      node: replica.node,
      name: nodeName(configuration),
      transportKey: replication.pin,
      addresses: peerAddresses(configuration, replication.address?.port),
      recordKey: own?.recordKey ?? '',
    };
    this.#host = new PairingHost({
      keeper,
      self,
      surroundings: replication.surroundings,
      dowry: () => this.#dowry(),
      admit: async (joiner) => {
        await keystore.change((draft) => {
          draft.append({ kind: 'member-joined', ...self });
          draft.append({ kind: 'member-joined', ...joiner });
          const entry = { request: '', actor: 'node', outcome: 'success' } as const;
          draft.audit({ ...entry, act: 'node paired', object: joiner.node });
        });
      },
    });
    replication.errands((errand) => void this.#serve(errand));
    this.#look();
  }

  async invite(): Promise<ReturnType<PairingHost['invite']>> {
    const { pair } = await this.#parts.keeper.status();
    const [peer] = pair?.peers ?? [];
    if (peer !== undefined) {
      throw new ErrandError('has-keys', `there is a peer already: ${peer.name}`);
    }
    if (this.#parts.configuration.replication.carrier !== 'pair') {
      const text = 'nodes pair over their own link: set replication.carrier to "pair" for that';
      throw new ErrandError('no-peer-port', text);
    }
    if (this.#parts.replication.address === undefined) {
      throw new ErrandError('no-peer-port', 'no port is open for another node');
    }
    return this.#host.invite();
  }

  pairing(): ReturnType<PairingHost['view']> {
    return this.#host.view();
  }

  async peers(): ReturnType<PairActs['peers']> {
    const { keeper, keystore, replication } = this.#parts;
    const { pair } = await keeper.status();
    const { peers, copies } = replication.view();
    const known = new Map(keystore.replica.members().map((member) => [member.node, member]));
    const slots = new Map((pair?.peers ?? []).map((peer) => [peer.node, peer]));
    const members = peers.map((peer) => ({
      ...peer,
      heads: Object.fromEntries(Object.entries(peer.heads).map(([epoch, [seq]]) => [epoch, seq])),
      proven: slots.get(peer.node)?.proven === true,
      addresses: known.get(peer.node)?.addresses ?? [],
    }));
    // Its keeper was given slots, and then it never became a member.
    const unfinished = [...slots.values()]
      .filter(({ node }) => !peers.some((peer) => peer.node === node))
      .map((peer) => ({
        ...{ node: peer.node, name: peer.name, proven: peer.proven },
        ...{ state: 'unfinished' as const, lag: 0, heads: {}, lacking: 0 },
      }));
    const { policy, seconds, single, accepting } = copies;
    return {
      peers: [...members, ...unfinished],
      policy: { policy, seconds },
      single: { count: single.count, keys: [...single.objects] },
      accepting,
      removed: replication.cutOff.stands,
    };
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #dowry(): Promise<Dowry> {
    const sealed = readFileSync(join(this.#parts.folder, 'sealed', 'authority-key.sealed'));
    const { authority, keystore } = this.#parts;
    const members = keystore.replica.members().map(({ node, recordKey }) => ({ node, recordKey }));
    return Promise.resolve({ authority, authorityKey: sealed.toString('base64'), members });
  }

  /** A member brings its keeper's statement; anybody else has to prove a code. */
  async #serve(errand: Errand): Promise<void> {
    const { keeper, keystore, log, replication } = this.#parts;
    const cancel = replication.surroundings.after(errandMilliseconds, () => {
      errand.destroy();
    });
    try {
      const pin = errand.theirs;
      const member = keystore.replica.members().find(({ transportKey }) => transportKey === pin);
      if (member === undefined) {
        cancel();
        await this.#host.serve(errand);
        return;
      }
      if (member.removed) throw new ErrandError('removed', 'this node was removed');
      errand.admit();
      const { statement } = await errand.receive<{ statement: Statement }>();
      await keeper.take(statement);
      errand.send({ statement: await keeper.statement(member.node) });
      errand.end();
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      log('warn', 'an errand was refused', { from: errand.address, error: text });
      const known = error instanceof ErrandError;
      errand.refuse(known ? error : new ErrandError('ended', 'the keeper could not take it'));
    } finally {
      cancel();
    }
  }

  #look(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      void this.#speak().finally(() => {
        this.#look();
      });
    }, lookMilliseconds);
    this.#timer.unref();
  }

  /** Has the keepers speak while something is under way, and now and then besides. */
  async #speak(): Promise<void> {
    const { keeper, keystore, log, replication } = this.#parts;
    try {
      const { state, pending, older, pair } = await keeper.status();
      const peers = pair?.peers ?? [];
      const quiet = pending === undefined && older === undefined && peers.every((p) => p.proven);
      const elapsed = replication.surroundings.elapsed();
      if (state !== 'open' || (quiet && elapsed - this.#spoke < quietMilliseconds)) return;
      for (const { node } of peers) {
        const member = keystore.replica.members().find((each) => each.node === node);
        if (member !== undefined && !member.removed) await this.#visit(member);
      }
      this.#spoke = elapsed;
    } catch (error) {
      const text = error instanceof Error ? error.message : 'unknown';
      if ((error as { code?: unknown }).code === 'removed') {
        await replication.cutOff.note().catch(() => {});
      } else if (!this.#stopped) {
        log('debug', 'the keepers could not speak', { error: text });
      }
    }
  }

  async #visit(member: Member): Promise<void> {
    const { keeper, replication } = this.#parts;
    const { self, surroundings } = replication;
    const [address] = member.addresses;
    if (address === undefined) return;
    const errand = await callNode(address, self, surroundings);
    const cancel = surroundings.after(errandMilliseconds, () => {
      errand.destroy();
    });
    try {
      if (errand.theirs !== member.transportKey) {
        throw new ErrandError('not-the-peer', 'somebody else answers at the peer’s address');
      }
      errand.send({ statement: await keeper.statement(member.node) });
      const { statement } = await errand.receive<{ statement: Statement }>();
      await keeper.take(statement);
    } finally {
      cancel();
      errand.end();
    }
  }
}
