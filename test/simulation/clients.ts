import type { Draft } from '../../appliance/keystore/keystore.ts';
import type { SqliteKeystore } from '../../appliance/keystore/store.ts';
import { makeKey } from '../harness/replica.ts';
import type { Chance } from './chance.ts';
import type { Key, Ledger } from './ledger.ts';
import type { SimulatedNode } from './node.ts';

export interface ClientsParts {
  readonly nodes: readonly [SimulatedNode, SimulatedNode];
  readonly chance: Chance;
  readonly ledger: Ledger;
  readonly say: (text: string) => void;
  /** A node answered a key that it alone has. */
  readonly onSingle: (node: SimulatedNode, id: string) => void;
}

/**
 * What clients do. Nobody waits for the answer: it may never come, and what a process says that is
 * dead already was heard by nobody.
 */
export class Clients {
  readonly #nodes: readonly [SimulatedNode, SimulatedNode];
  readonly #chance: Chance;
  readonly #ledger: Ledger;
  readonly #say: (text: string) => void;
  readonly #onSingle: ClientsParts['onSingle'];
  acknowledged = 0;
  refused = 0;

  constructor({ nodes, chance, ledger, say, onSingle }: ClientsParts) {
    this.#nodes = nodes;
    this.#chance = chance;
    this.#ledger = ledger;
    this.#say = say;
    this.#onSingle = onSingle;
  }

  act(): void {
    const node = this.#chance.of(this.#nodes);
    const keystore = node.life?.keystore;
    const key = this.#ledger.any(this.#chance.below(Math.max(1, this.#ledger.keys.size)));
    const what = this.#chance.next();
    if (keystore === undefined) return;
    if (key === undefined || what < 0.55) void this.#create(node, keystore);
    else if (what < 0.75) void this.#ledger.read(node, key);
    else if (what < 0.85) void this.#revoke(node, keystore, key);
    else void this.#endOrUndo(node, keystore, key);
  }

  /** Whether this process still speaks to clients. */
  #speaks(node: SimulatedNode, keystore: SqliteKeystore): boolean {
    return node.life?.keystore === keystore;
  }

  async #create(node: SimulatedNode, keystore: SqliteKeystore): Promise<void> {
    const { name } = node;
    const secret = this.#chance.bytes(32);
    const id = this.#chance.bytes(16).toString('hex');
    const other = this.#nodes[0] === node ? this.#nodes[1] : this.#nodes[0];
    const before = this.#ledger.rollbacks(other);
    try {
      await makeKey(keystore, Buffer.from(secret), id, (draft) => {
        audit(draft, 'Create', id);
      });
      if (!this.#speaks(node, keystore)) return;
      this.#ledger.created(node, other, { id, secret, before });
      this.#ledger.did(node, 'Create', id);
      this.acknowledged++;
      const copies = keystore.copies(id);
      this.#say(`${name} answers key ${id.slice(0, 8)}, ${copies}`);
      if (copies === 'single') this.#onSingle(node, id);
    } catch (error) {
      if (!this.#speaks(node, keystore)) return;
      this.refused++;
      this.#say(`${name} refuses key ${id.slice(0, 8)}: ${codeOf(error)}`);
    }
  }

  async #revoke(node: SimulatedNode, keystore: SqliteKeystore, key: Key): Promise<void> {
    const { id } = key;
    try {
      await keystore.change((draft) => {
        if (draft.object(id) === undefined) throw new Error('not there yet');
        draft.append({ kind: 'object-revoked', object: id, code: 2, date: 1 });
        audit(draft, 'Revoke', id);
      });
      if (!this.#speaks(node, keystore)) return;
      key.revokers.add(node);
      this.#ledger.did(node, 'Revoke', id);
      this.#say(`${node.name} revokes ${id.slice(0, 8)}`);
    } catch (error) {
      this.#say(`${node.name} does not revoke: ${codeOf(error)}`);
    }
  }

  async #endOrUndo(node: SimulatedNode, keystore: SqliteKeystore, key: Key): Promise<void> {
    const { id } = key;
    const undo = this.#chance.happens(0.3);
    const before = key.fate;
    key.fate = 'unsure';
    if (!undo) this.#ledger.ending(key);
    try {
      const done = await keystore.change((draft) => {
        const object = draft.object(id);
        if (object === undefined) throw new Error('not there yet');
        if (undo && object.intents.length === 0) return false;
        if (undo) draft.append({ kind: 'destroy-cancelled', object: id });
        else draft.append({ kind: 'destroy-intended', object: id, date: 1 });
        audit(draft, undo ? 'undestroy' : 'Destroy', id);
        return true;
      });
      if (!this.#speaks(node, keystore)) return;
      // Undone here: an intent that the other node said at the same time stays.
      key.fate = done ? (undo ? 'unsure' : 'destroyed') : before;
      if (done) key.by = node;
      if (done) this.#ledger.did(node, undo ? 'undestroy' : 'Destroy', id);
      this.#say(`${node.name} ${undo ? 'undestroys' : 'destroys'} ${id.slice(0, 8)}`);
    } catch (error) {
      this.#say(`${node.name} does not end: ${codeOf(error)}`);
    }
  }
}

function audit(draft: Draft, act: string, object: string): void {
  draft.audit({ request: '', actor: 'client:simulated', act, object, outcome: 'success' });
}

function codeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? code : String(message);
}
