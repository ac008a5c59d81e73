import { Tag } from '../../appliance/kmip/tag.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { itemFromNode } from '../harness/xml-item.ts';
import type { XmlNode } from '../harness/xml-item.ts';
import { differences } from './comparison.ts';
import type { Difference } from './comparison.ts';
import type { Exchange } from './profile-case.ts';
import { find, findAll, identifierTags, makers, Scene, textOf } from './scene.ts';
import type { Family } from './scene.ts';
import { payloadOf } from './variation.ts';

/** Sends a request message and gives the response message. */
export type Send = (request: Item) => Promise<Item>;

/** One exchange as it went. */
export interface Replayed {
  readonly exchange: Exchange;
  readonly sent: Item;
  readonly came: Item;
  readonly differences: readonly Difference[];
}

/**
 * Sends a case's requests one after another and compares each answer with the one expected. It goes
 * on after a difference, unless a request needs what an answer did not give.
 */
export async function replay(
  exchanges: readonly Exchange[],
  send: Send,
  now: number,
  family?: Family,
): Promise<Replayed[]> {
  const scene = new Scene(now, family);
  const replayed: Replayed[] = [];
  for (const exchange of exchanges) {
    const sent = itemFromNode(exchange.request, (node) => scene.resolve(node));
    const came = await send(sent);
    replayed.push(judge(exchange, sent, came, scene));
  }
  return replayed;
}

/** What the judge knew before each exchange of a run. */
export function scenesOf(run: readonly Replayed[], now: number, family: Family): Scene[] {
  const scene = new Scene(now, family);
  return run.map(({ exchange, sent, came }) => {
    const before = scene.copy();
    judge(exchange, sent, came, scene);
    return before;
  });
}

/**
 * Whether the judge sees that an exchange's expected answer was changed: at once, or later, when
 * what it bound does not fit.
 */
export function isSeen(
  changed: Exchange,
  index: number,
  run: readonly Replayed[],
  scenes: readonly Scene[],
): boolean {
  const scene = scenes[index]?.copy();
  if (scene === undefined) throw new Error('a run with fewer exchanges');
  return run.slice(index).some(({ exchange, sent, came }, i) => {
    return judge(i === 0 ? changed : exchange, sent, came, scene).differences.length > 0;
  });
}

function judge(exchange: Exchange, sent: Item, came: Item, scene: Scene): Replayed {
  for (const date of dates(sent)) scene.fixedDates.add(date);
  learn(exchange.request, came, scene);
  const result = messageDifferences(exchange, came, scene);
  scene.remember(came);
  return { exchange, sent, came, differences: result };
}

function dates(item: Item): bigint[] {
  if (item.type === 'DateTime') return [item.value];
  return item.type === 'Structure' ? item.value.flatMap(dates) : [];
}

function messageDifferences(exchange: Exchange, came: Item, scene: Scene): Difference[] {
  const { request, response } = exchange;
  const wanted = response.items;
  const actual = came.type === 'Structure' ? came.value : [];
  const place = { scene, operation: '', asked: undefined, expected: undefined, came: undefined };
  if (came.tag !== Tag.ResponseMessage || wanted.length !== actual.length) {
    return [`ResponseMessage: expected ${wanted.length - 1} items, came ${actual.length - 1}`];
  }
  const asked = request.items.filter(({ name }) => name === 'BatchItem');
  return wanted.flatMap((node, i) => {
    const item = actual[i];
    if (item === undefined) return [];
    const operation = node.items.find(({ name }) => name === 'Operation')?.value ?? '';
    const batchItem = { operation, asked: asked[i - 1], expected: node, came: item };
    return differences(node, item, { ...place, ...batchItem, path: [] });
  });
}

/** Notes which objects the server made, and of what type those are that were registered. */
function learn(request: XmlNode, came: Item, scene: Scene): void {
  const asked = request.items.filter(({ name }) => name === 'BatchItem');
  const answered = came.type === 'Structure' ? came.value.slice(1) : [];
  for (const [i, node] of asked.entries()) {
    const payload = answered[i] === undefined ? undefined : find(answered[i], Tag.ResponsePayload);
    if (payload === undefined) continue;
    const operation = node.items.find(({ name }) => name === 'Operation')?.value ?? '';
    const identifiers = [...identifierTags].flatMap((tag) => findAll(payload, tag)).map(textOf);
    if (makers.has(operation)) for (const each of identifiers) scene.made.add(each);
    if (operation === 'Register' || operation === 'Import') {
      const said = payloadOf(node).find(({ name }) => name === 'ObjectType')?.value ?? '';
      // A signature with PSS has a random salt.
      const type = hasPss(node) ? `${said} PSS` : said;
      for (const each of identifiers) scene.registered.set(each, type);
    }
  }
}

function hasPss(node: XmlNode): boolean {
  return node.value === 'PSS' || node.items.some(hasPss);
}
