import { Tag } from '../../appliance/kmip/tag.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import type { XmlNode } from '../harness/xml-item.ts';

/**
 * What a case's run has learnt so far: what each placeholder stands for, which dates and objects
 * the requests fixed, and which keys the server made itself.
 */
export class Scene {
  /** Seconds since 1970 when the case began: what its $NOW stands for. */
  readonly now: number;
  readonly bindings = new Map<string, string>();
  /** What came in the place of bytes that a case computed with its own server's key. */
  readonly computed = new Map<string, string>();
  /** Values of dates that a request set. */
  readonly fixedDates = new Set<bigint>();
  /** Identifiers of objects whose material the server made. */
  readonly made: Set<string>;
  /** Object types (as XML names them) of objects that were registered. */
  readonly registered: Map<string, string>;
  #answers: Item[] = [];

  /** `family`: what earlier cases of the same family learnt about objects. */
  constructor(now: number, family: Family = { made: new Set(), registered: new Map() }) {
    this.now = now;
    this.made = family.made;
    this.registered = family.registered;
  }

  /** The same knowledge, to go on from apart. */
  copy(): Scene {
    const family = { made: new Set(this.made), registered: new Map(this.registered) };
    const scene = new Scene(this.now, family);
    for (const [name, value] of this.bindings) scene.bindings.set(name, value);
    for (const [name, value] of this.computed) scene.computed.set(name, value);
    for (const date of this.fixedDates) scene.fixedDates.add(date);
    return scene;
  }

  remember(answer: Item): void {
    this.#answers.push(answer);
  }

  /** The text that a value of a request stands for. */
  resolve(node: XmlNode): string {
    const { value } = node;
    // A case sends back what its server computed: here it is what ours did.
    if (!value.startsWith('$')) return this.computed.get(`${node.name} ${value}`) ?? value;
    const bound = this.moment(value) ?? this.bindings.get(value) ?? this.#lastAnswered(node.tag);
    if (bound === undefined) throw new Error(`nothing was answered for ${value}`);
    return bound;
  }

  /** An ISO date for $NOW, $NOW-3600 and $NOW+3600. */
  moment(text: string): string | undefined {
    const offset = /^\$NOW([+-]\d+)?$/.exec(text);
    if (offset === null) return undefined;
    return new Date((this.now + Number(offset[1] ?? 0)) * 1000).toISOString();
  }

  /** The same field of the last answer that had it. */
  #lastAnswered(tag: number): string | undefined {
    for (const answer of this.#answers.toReversed()) {
      const found = find(answer, tag);
      if (found !== undefined) return textOf(found);
    }
    return undefined;
  }
}

export interface Family {
  readonly made: Set<string>;
  readonly registered: Map<string, string>;
}

/** The first item of a tag, at whatever depth. */
export function find(item: Item, tag: number): Item | undefined {
  if (item.tag === tag) return item;
  if (item.type !== 'Structure') return undefined;
  for (const child of item.value) {
    const found = find(child, tag);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Every item of a tag, at whatever depth. */
export function findAll(item: Item, tag: number): Item[] {
  const inside = item.type === 'Structure' ? item.value.flatMap((each) => findAll(each, tag)) : [];
  return item.tag === tag ? [item, ...inside] : inside;
}

export function textOf(item: Item): string {
  if (item.type === 'Structure') return '';
  return item.value instanceof Uint8Array
    ? Buffer.from(item.value).toString('hex')
    : String(item.value);
}

/** The operations that make keys: what they made differs from run to run. */
export const makers: ReadonlySet<string> = new Set([
  'Create',
  'CreateKeyPair',
  'CreateSplitKey',
  'ReKey',
  'ReKeyKeyPair',
]);

export const identifierTags: ReadonlySet<number> = new Set([
  Tag.UniqueIdentifier,
  Tag.PrivateKeyUniqueIdentifier,
  Tag.PublicKeyUniqueIdentifier,
]);
