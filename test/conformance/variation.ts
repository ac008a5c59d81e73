import { Tag } from '../../appliance/kmip/tag.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { nameOf } from '../../appliance/kmip/enumeration.ts';
import { itemFromNode } from '../harness/xml-item.ts';
import type { XmlNode } from '../harness/xml-item.ts';
import { find, textOf } from './scene.ts';
import type { Scene } from './scene.ts';

/**
 * What section 4.7 of the KMIP 1.0 profiles lets differ between a case and a server, and nothing
 * else: every other difference is a failure.
 */
export const variations = {
  identifier: 'unique identifiers, each the same wherever it comes again',
  timeStamp: 'time stamps',
  date: 'dates that no request fixed',
  material: 'key material that the server made, of the same length',
  computed: 'what is computed from such material, or with random bytes',
  correlation: 'correlation values',
  digest: 'the value of a digest and its hash',
  keyFormat: 'the format of a key that the server made',
  vendor: 'the vendor identification and what the vendor says of the server',
} as const;

export type Variation = keyof typeof variations;

/** Where a value stands: names from the message inwards, and what its batch item is about. */
export interface Place {
  readonly path: readonly string[];
  readonly scene: Scene;
  readonly operation: string;
  /** The batch items: what was asked, what the case expects, what came. */
  readonly asked: XmlNode | undefined;
  readonly expected: XmlNode | undefined;
  readonly came: Item | undefined;
}

/** Items whose presence and content are free; taken out on both sides before the comparison. */
export function isFree(name: string, text: string): boolean {
  const free = ['ResultMessage', 'ServerCorrelationValue', 'TemplateAttribute'];
  free.push('PrivateKeyTemplateAttribute', 'PublicKeyTemplateAttribute');
  return free.includes(name) || (name === 'AttributeIndex' && text === '0');
}

/**
 * Operations that a server sends to a client. The cases' own server listed them; no profile
 * requires them, so a Query that lacks them says what is required.
 */
export function isBeyondProfile({ name, value }: XmlNode, { operation }: Place): boolean {
  return operation === 'Query' && name === 'Operation' && ['Notify', 'Put'].includes(value);
}

/** Lists in which the server may say more than the case asks for, and in any order. */
export function isOpen(name: string, place: Place): boolean {
  const { operation, asked } = place;
  const parent = place.path.at(-1);
  if (parent === 'ResponsePayload') {
    if (operation === 'Query') return queryLists.has(name);
    if (operation === 'GetAttributeList') {
      return name === 'AttributeName' || name === 'AttributeReference';
    }
  }
  if (operation !== 'GetAttributes' || asked === undefined) return false;
  const named = payloadOf(asked).some((node) =>
    ['AttributeName', 'AttributeReference'].includes(node.name),
  );
  return !named && (name === 'Attribute' || parent === 'Attributes');
}

const queryLists: ReadonlySet<string> = new Set([
  'Operation',
  'ObjectType',
  'ApplicationNamespace',
  'ProtocolVersion',
  'ProfileInformation',
  'RNGParameters',
  'ValidationInformation',
  'CapabilityInformation',
  'ExtensionInformation',
  'AttestationType',
  'ClientRegistrationMethod',
  'DefaultsInformation',
  'ProtectionStorageMask',
]);

/** Lists whose order says nothing. */
export function isUnordered(name: string, place: Place): boolean {
  const parent = place.path.at(-1);
  if (name === 'Attribute' || parent === 'Attributes') return true;
  if (name === 'UniqueIdentifier' && place.operation === 'Locate') return true;
  return isOpen(name, place);
}

export function payloadOf(batchItem: XmlNode): readonly XmlNode[] {
  return (
    batchItem.items.find(({ name }) => name === 'RequestPayload' || name === 'ResponsePayload')
      ?.items ?? []
  );
}

/** The variation that lets this value differ; undefined when none does. */
export function variationOf(expected: XmlNode, actual: Item, place: Place): Variation | undefined {
  if (nameOf(Tag, actual.tag) !== expected.name || actual.type !== expected.type) return undefined;
  const { name } = expected;
  if (name === 'TimeStamp') return isRecent(actual, place) ? 'timeStamp' : undefined;
  if (name.endsWith('CorrelationValue')) return 'correlation';
  if (place.path.includes('ServerInformation') || name === 'VendorIdentification') return 'vendor';
  if (isIdentifier(expected)) return bind(expected, actual, place) ? 'identifier' : undefined;
  if (expected.value.startsWith('$') && place.scene.moment(expected.value) === undefined) {
    return bind(expected, actual, place) ? 'computed' : undefined;
  }
  if (actual.type === 'DateTime') return dateVariation(expected, actual, place);
  if (inDigest(expected, place)) return 'digest';
  if (name === 'KeyFormatType' && isMade(place)) return 'keyFormat';
  if (name === 'KeyMaterial' && isMade(place) && sameLength(expected, actual)) return 'material';
  if (isComputed(name, place) && sameLength(expected, actual)) {
    place.scene.computed.set(`${name} ${expected.value}`, textOf(actual));
    return 'computed';
  }
  return undefined;
}

function isIdentifier({ name, value, type }: XmlNode): boolean {
  if (value.startsWith('$UNIQUE_IDENTIFIER')) return true;
  return type === 'TextString' && /UniqueIdentifier$|^LinkedObjectIdentifier$/.test(name);
}

/** Binds a placeholder on its first appearance; after that it has to stand for the same. */
function bind(expected: XmlNode, actual: Item, { scene }: Place): boolean {
  const bound = scene.bindings.get(expected.value);
  const text = textOf(actual);
  if (bound !== undefined) return bound === text;
  if (text === '' || [...scene.bindings.values()].includes(text)) return false;
  scene.bindings.set(expected.value, text);
  return true;
}

const recentSeconds = 900;

function isRecent(actual: Item, { scene }: Place): boolean {
  return actual.type === 'DateTime' && Math.abs(Number(actual.value) - scene.now) < recentSeconds;
}

/** A date that the server chose is the moment of its run; one that a request gave stays so. */
function dateVariation(expected: XmlNode, actual: Item, place: Place): Variation | undefined {
  const { scene } = place;
  const wanted = itemFromNode(expected, (node) => scene.resolve(node));
  if (wanted.type === 'DateTime' && scene.fixedDates.has(wanted.value)) return undefined;
  return isRecent(actual, place) ? 'date' : undefined;
}

function inDigest({ name, table }: XmlNode, { path }: Place): boolean {
  const inside = path.includes('Digest') || path.includes('Attribute:Digest');
  return inside && (name === 'DigestValue' || name === 'HashingAlgorithm') && table !== '';
}

function isMade({ came, scene }: Place): boolean {
  const identifier = came === undefined ? undefined : find(came, Tag.UniqueIdentifier);
  return identifier !== undefined && scene.made.has(textOf(identifier));
}

const computedFields: ReadonlySet<string> = new Set([
  'Data',
  'SignatureData',
  'MACData',
  'IVCounterNonce',
  'AuthenticatedEncryptionTag',
]);

function isComputed(name: string, place: Place): boolean {
  if (!computedFields.has(name)) return false;
  const { operation, expected, scene, came } = place;
  if (operation === 'RNGRetrieve') return true;
  if (operation === 'Decrypt') return isMade(place) && !isAnswered(place);
  if (!['Encrypt', 'Sign', 'MAC'].includes(operation)) return false;
  if (isMade(place)) return true;
  const answered = expected === undefined ? [] : payloadOf(expected);
  if (answered.some((node) => node.name === 'IVCounterNonce')) return true;
  const identifier = came === undefined ? undefined : find(came, Tag.UniqueIdentifier);
  const type = identifier === undefined ? undefined : scene.registered.get(textOf(identifier));
  if (operation === 'Sign') return type?.endsWith('PSS') === true;
  return operation === 'Encrypt' && /^(Public|Private)Key/.test(type ?? '');
}

/** Whether what was sent to be decrypted is what the server itself had encrypted. */
function isAnswered({ asked, scene }: Place): boolean {
  const data = asked === undefined ? [] : payloadOf(asked).filter(({ name }) => name === 'Data');
  return data.some(({ value }) => value.startsWith('$') || scene.computed.has(`Data ${value}`));
}

function sameLength(expected: XmlNode, actual: Item): boolean {
  return actual.type === 'ByteString' && actual.value.length === expected.value.length / 2;
}
