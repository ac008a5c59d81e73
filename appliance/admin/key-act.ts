import { CryptographicAlgorithm, nameOf, ObjectType, State } from '../kmip/enumeration.ts';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { KeystoreError } from '../keystore/error.ts';
import { isDestroyed, objectNamed, shownIdentifier } from '../keystore/imported.ts';
import type { Draft } from '../keystore/keystore.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import type { Value } from '../ttlv/item.ts';
import type { Act, Appliance, Reach } from './appliance.ts';
import { AdminError } from './error.ts';
import type { KeptKeys, KeyList, KeyPage, KeyView } from './schema.ts';

/** One page looks at so many keys, in slices: nobody waits for a search through all. */
const scanMost = 1_000;
const slice = 250;
const day = 86_400;
/** A key that was fetched within so many days is taken for one that is in use. */
const latelyDays = 30;

/** What an administrator sees of keys, and the one thing that can be done to them here. */
export class KeyActs {
  readonly #reach: Reach;

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  /** One page from behind the key `after`; a filter that finds little looks no further either. */
  list(page: KeyPage): KeyList {
    const keys: KeyView[] = [];
    let { after } = page;
    let scanned = 0;
    while (scanned < scanMost) {
      const limit = Math.min(slice, scanMost - scanned);
      const objects = this.#appliance.keystore.list({ ...optional({ after }), limit });
      for (const object of objects) {
        after = object.uniqueIdentifier;
        scanned++;
        const view = this.#wanted(object, page);
        if (view !== undefined) keys.push(view);
        if (keys.length === page.limit) return { keys, next: after, scanned };
      }
      if (objects.length < limit) return { keys, scanned };
    }
    return { keys, ...optional({ next: after }), scanned };
  }

  #wanted(object: ManagedObject, page: KeyPage): KeyView | undefined {
    const { group, state, older, copies, superseded } = page;
    if (group !== undefined && object.group !== group) return undefined;
    const word = nameOf(State, object.state).toLowerCase();
    if (state !== undefined && word !== state.toLowerCase()) return undefined;
    const now = this.#appliance.now();
    if (older !== undefined && now - object.initialDate < older) return undefined;
    const view = this.#view(object);
    if (copies !== undefined && view.copies !== copies) return undefined;
    if (superseded !== undefined && (superseded === 'yes') !== (view.superseded === true)) {
      return undefined;
    }
    const { client, name, unfetched } = page;
    if (client !== undefined && view.fetched?.client !== client) return undefined;
    if (unfetched !== undefined && now - (view.fetched?.time ?? 0) < unfetched) return undefined;
    return name === undefined || isNamed(view, name) ? view : undefined;
  }

  show(id: string): KeyView {
    const object = this.#find(id);
    const attributes: Record<string, string[]> = {};
    for (const { name, value } of object.attributes) {
      (attributes[name] ??= []).push(textOf(value));
    }
    return { ...this.#view(object), attributes };
  }

  /**
   * Destroys a key for every client; one that is Active or was fetched lately only when its
   * identifier was typed again.
   */
  async destroy(id: string, confirm: string | undefined, act: Act): Promise<KeyView> {
    const { keystore, now } = this.#appliance;
    await keystore.change((draft) => {
      const object = draft.object(id);
      if (object === undefined) throw unknown(id);
      if (object.state === State.Destroyed || object.state === State.DestroyedCompromised) {
        throw new AdminError('refused', 'the key is destroyed already', 'nothing is to be done');
      }
      const why = this.#inUse(object);
      if (why !== undefined && confirm !== id) {
        const hint = 'what it encrypts will be locked; repeat with --force if that is wanted';
        throw new AdminError('refused', why, hint);
      }
      draft.append({ kind: 'destroy-intended', object: id, date: now() });
      draft.audit({ ...act, act: 'key destroy', object: id, outcome: 'success' });
    });
    return this.#view(this.#find(id));
  }

  /** Why somebody is likely to need the key still; undefined where nothing speaks for it. */
  #inUse({ uniqueIdentifier, state }: ManagedObject): string | undefined {
    const { keystore, now } = this.#appliance;
    const fetched = keystore.fetched(uniqueIdentifier);
    const days = fetched === undefined ? undefined : Math.floor((now() - fetched.time) / day);
    const lately =
      fetched === undefined || days === undefined || days >= latelyDays
        ? undefined
        : `${fetched.client} fetched it ${days < 1 ? 'today' : `${days} days ago`}`;
    if (state !== State.Active) return lately && `the key may be in use: ${lately}`;
    return `the key is Active${lately === undefined ? '' : `, and ${lately}`}`;
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
      refuseTaken(object, draft);
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
    const { uniqueIdentifier } = object;
    const fetched = keystore.fetched(uniqueIdentifier);
    return {
      ...viewOf(object, {
        copies: keystore.copies(uniqueIdentifier),
        kept: keystore.kept(object),
        now: now(),
      }),
      ...(fetched === undefined ? {} : { fetched: { time: fetched.time, client: fetched.client } }),
      ...(keystore.isSuperseded(object) ? { superseded: true as const } : {}),
    };
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

function isNamed({ id, vm, component, identifier, names }: KeyView, part: string): boolean {
  const wanted = part.toLowerCase();
  return [id, vm, component, identifier, ...names].some(
    (each) => each?.toLowerCase().includes(wanted) === true,
  );
}

function optional<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as { [K in keyof T]?: NonNullable<T[K]> };
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
  const [identifier] = text('x-Identifier');
  return {
    id: object.uniqueIdentifier,
    type: nameOf(ObjectType, object.objectType),
    state: nameOf(State, object.state),
    algorithm: object.algorithm === 0 ? '' : nameOf(CryptographicAlgorithm, object.algorithm),
    length: object.length,
    group: object.group,
    created: object.initialDate,
    age: Math.max(0, now - object.initialDate),
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
    ...(identifier === undefined ? {} : { identifier }),
  };
}

/** Two living objects of one identifier would hide each other from their clients. */
function refuseTaken(object: ManagedObject, draft: Draft): void {
  const identifier = shownIdentifier(object);
  const other = objectNamed(draft, object.group, identifier);
  if (other === undefined || isDestroyed(other)) return;
  const hint = `it took this one's place by an Import: destroy ${other.uniqueIdentifier} first`;
  throw new AdminError('refused', `another key bears the identifier ${identifier} now`, hint);
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
