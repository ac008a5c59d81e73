import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { State } from '../kmip/enumeration.ts';
import { StorageStatusMask } from '../kmip/mask.ts';
import type { Keystore } from './keystore.ts';
import type { ManagedObject } from './managed-object.ts';

type View = Pick<Keystore, 'object' | 'locate'>;

/**
 * An imported object bears an identifier that its client chose (KMIP 1.4 §4.41). Records are kept
 * under one that is made here: so nobody can take the place of another group's object by its
 * identifier, two nodes that import at once lose neither object, and one that is replaced stays
 * sealed beside its successor. The chosen one is kept as an attribute that no version has.
 */
const chosen = 'Imported Identifier';

const versionAt = 14;

/** The identifier under which an imported object is kept: a UUID of version 8 tells it apart. */
export function importedIdentifier(fresh: string): string {
  return `${fresh.slice(0, versionAt)}8${fresh.slice(versionAt + 1)}`;
}

export function chosenIdentifier(text: string): AttributeInstance {
  return { name: chosen, index: 0, value: { type: 'TextString', value: text } };
}

/** The identifier that clients know an object by. */
export function shownIdentifier(object: ManagedObject): string {
  const value = object.attributes.find(({ name }) => name === chosen)?.value;
  return value?.type === 'TextString' ? value.value : object.uniqueIdentifier;
}

/** What clients know by an identifier that objects are kept under. */
export function shown(view: View, identifier: string): string {
  if (identifier[versionAt] !== '8') return identifier;
  const object = view.object(identifier);
  return object === undefined ? identifier : shownIdentifier(object);
}

/**
 * The object of a key group that an identifier names; of several the one that lives. What belongs
 * to another group takes the same look-ups as what does not exist.
 */
export function objectNamed(
  view: View,
  group: string,
  identifier: string,
): ManagedObject | undefined {
  const direct = view.object(identifier);
  const own = direct?.group === group ? direct : undefined;
  if (own !== undefined && !isDestroyed(own)) return own;
  const { OnLineStorage, ArchivalStorage, DestroyedStorage } = StorageStatusMask;
  const named = (storage: number): string | undefined =>
    view
      .locate(group, {
        attributes: [chosenIdentifier(identifier)],
        dates: [],
        storage,
        offset: 0,
        maximum: 1000,
      })
      .at(-1);
  const other = named(OnLineStorage | ArchivalStorage) ?? named(DestroyedStorage);
  const imported = other === undefined ? undefined : view.object(other);
  return imported !== undefined && (own === undefined || !isDestroyed(imported)) ? imported : own;
}

export function isDestroyed({ state }: ManagedObject): boolean {
  return state === State.Destroyed || state === State.DestroyedCompromised;
}
