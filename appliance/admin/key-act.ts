import { CryptographicAlgorithm, nameOf, ObjectType, State } from '../kmip/enumeration.ts';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { KeystoreError } from '../keystore/error.ts';
import type { Draft } from '../keystore/keystore.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import type { Value } from '../ttlv/item.ts';
import type { Act, Appliance, Reach } from './appliance.ts';
import { AdminError } from './error.ts';
import type { KeptKeys, KeyView } from './schema.ts';

/** What an administrator sees of keys, and the one thing that can be done to them here. */
export class KeyActs {
  readonly #reach: Reach;

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  /** One page, oldest first, from behind the key `after`. */
  list(page: {
    readonly after?: string | undefined;
    readonly limit: number;
    readonly state?: string | undefined;
    readonly group?: string | undefined;
  }): { keys: KeyView[]; next?: string } {
    const { limit, state, group } = page;
    const keys: KeyView[] = [];
    let after = page.after;
    for (;;) {
      const objects = this.#appliance.keystore.list({
        ...(after === undefined ? {} : { after }),
        limit: 1000,
      });
      for (const object of objects) {
        after = object.uniqueIdentifier;
        const view = this.#view(object);
        if (state !== undefined && view.state.toLowerCase() !== state.toLowerCase()) continue;
        if (group !== undefined && view.group !== group) continue;
        keys.push(view);
        if (keys.length === limit) return { keys, next: after };
      }
      if (objects.length < 1000) return { keys };
    }
  }

  show(id: string): KeyView {
    const object = this.#find(id);
    const attributes: Record<string, string[]> = {};
    for (const { name, value } of object.attributes) {
      (attributes[name] ??= []).push(textOf(value));
    }
    return { ...this.#view(object), attributes };
  }

  /** Destroys a key for every client; an Active one only when its identifier was typed again. */
  async destroy(id: string, confirm: string | undefined, act: Act): Promise<KeyView> {
    const { keystore, now } = this.#appliance;
    await keystore.change((draft) => {
      const object = draft.object(id);
      if (object === undefined) throw unknown(id);
      if (object.state === State.Destroyed || object.state === State.DestroyedCompromised) {
        throw new AdminError('refused', 'the key is destroyed already', 'nothing is to be done');
      }
      if (object.state === State.Active && confirm !== id) {
        const hint = 'what it encrypts will be locked; repeat with --force if that is wanted';
        throw new AdminError('refused', 'the key is Active', hint);
      }
      draft.append({ kind: 'destroy-intended', object: id, date: now() });
      draft.audit({ ...act, act: 'key destroy', object: id, outcome: 'success' });
    });
    return this.#view(this.#find(id));
  }

  /** Takes back every intent to destroy a key; possible until its material is purged. */
  async undestroy(id: string, act: Act): Promise<KeyView> {
    const { keystore } = this.#appliance;
    const mutation = (draft: Draft): void => {
      const object = draft.object(id);
      if (object === undefined) throw unknown(id);
      if (object.purged) {
        const hint = 'a backup from before the purge may hold it: see docs/recovery.md';
        throw new AdminError('refused', 'the key is purged: its material is gone', hint);
      }
      if (object.intents.length === 0) {
        throw new AdminError('refused', 'the key is not destroyed', 'nothing is to be done');
      }
      draft.append({ kind: 'destroy-cancelled', object: id });
      draft.audit({ ...act, act: 'key undestroy', object: id, outcome: 'success' });
    };
    await keystore.change(mutation).catch((error: unknown) => {
      if (!(error instanceof KeystoreError) || error.code !== 'purge-agreed') throw error;
      const hint =
        'try it at once on the other node: what has not agreed there yet can still stop it';
      throw new AdminError('refused', 'this node has agreed to purge the key already', hint);
    });
    return this.#view(this.#find(id));
  }

  /** Destroyed keys that are not purged, by identifier. */
  kept(page: { readonly after?: string | undefined; readonly limit: number }): KeptKeys {
    const { keystore } = this.#appliance;
    const { after, limit } = page;
    const objects = keystore.keptObjects({ limit, ...(after === undefined ? {} : { after }) });
    const last = objects.length < limit ? undefined : objects.at(-1)?.uniqueIdentifier;
    return {
      retention: keystore.retention(),
      keys: objects.map((object) => this.#view(object)),
      ...(last === undefined ? {} : { next: last }),
    };
  }

  /** Says for how long what is destroyed from now on is kept, on all nodes. */
  async setRetention(seconds: number, act: Act): Promise<{ retention: number }> {
    const { keystore } = this.#appliance;
    await keystore.change((draft) => {
      draft.append({ kind: 'retention-set', seconds });
      const object = `${seconds} s`;
      draft.audit({ ...act, act: 'retention set', object, outcome: 'success' });
    });
    return { retention: keystore.retention() };
  }

  #view(object: ManagedObject): KeyView {
    const { keystore, now } = this.#appliance;
    const copies = keystore.copies(object.uniqueIdentifier);
    return viewOf(object, { copies, kept: keystore.kept(object), now: now() });
  }

  #find(id: string): ManagedObject {
    const object = this.#appliance.keystore.object(id);
    if (object === undefined) throw unknown(id);
    return object;
  }

  get #appliance(): Appliance {
    return this.#reach.opened();
  }
}

function unknown(id: string): AdminError {
  return new AdminError('not-found', `no key ${id}`, 'see `twinlock key list`');
}

function viewOf(
  object: ManagedObject,
  { copies, kept, now }: Pick<KeyView, 'copies'> & { kept: number | undefined; now: number },
): KeyView {
  const text = (name: string): string[] =>
    object.attributes.filter((each) => each.name === name).map(textOfInstance);
  const [vm] = text('x-Name');
  const [component] = text('x-Component');
  return {
    id: object.uniqueIdentifier,
    type: nameOf(ObjectType, object.objectType),
    state: nameOf(State, object.state),
    algorithm: object.algorithm === 0 ? '' : nameOf(CryptographicAlgorithm, object.algorithm),
    length: object.length,
    group: object.group,
    created: object.initialDate,
    changed: object.lastChangeDate,
    copies,
    names: text('Name'),
    ...(object.purged ? { purged: true } : {}),
    ...(kept === undefined ? {} : { kept: now + kept, agreed: agreedIn(object) }),
    ...(object.conflicts.length === 0
      ? {}
      : { conflicts: object.conflicts.map(({ about, record }) => `${about}: ${record}`) }),
    ...(vm === undefined ? {} : { vm }),
    ...(component === undefined ? {} : { component }),
  };
}

/** The nodes that have agreed to purge it, of whichever intent. */
function agreedIn({ intents }: ManagedObject): string[] {
  const nodes = intents.flatMap(({ words }) => words.map(({ node }) => node));
  return [...new Set(nodes)].sort();
}

/** A Name is shown without its type. */
function textOfInstance({ value }: AttributeInstance): string {
  const first = value.type === 'Structure' ? value.value[0] : undefined;
  return textOf(first ?? value);
}

/** An attribute's value as a person reads it; bytes in hexadecimal: no attribute is a secret. */
function textOf(value: Value): string {
  switch (value.type) {
    case 'Structure':
      return value.value.map((item) => textOf(item)).join(', ');
    case 'ByteString':
    case 'BigInteger':
      return Buffer.from(value.value).toString('hex');
    default:
      return String(value.value);
  }
}
