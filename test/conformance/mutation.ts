import { isFree } from './variation.ts';
import type { XmlNode } from '../harness/xml-item.ts';
import { isSeen, scenesOf } from './replay.ts';
import type { Run } from './stage.ts';

/**
 * The proof of the judge: each value and each item of every expected answer is changed by itself,
 * and the run that passed has to fail then. What may be changed unseen stands in a list of its own,
 * not in the judge's, so that a judge that lets too much pass is found out.
 */
const mayVary: ReadonlySet<string> = new Set([
  'TimeStamp',
  'VendorIdentification',
  'CorrelationValue',
  'AsynchronousCorrelationValue',
  'ClientCorrelationValue',
]);

/** Fields that may vary in some answers, with what has to be said of the exchange then. */
const varyWhen: Readonly<Record<string, (node: XmlNode, run: Run) => boolean>> = {
  KeyMaterial: (_, { family }) => family.made.size > 0,
  KeyFormatType: (_, { family }) => family.made.size > 0,
  DigestValue: () => true,
  HashingAlgorithm: () => true,
  Data: (_, run) => hasComputed(run),
  SignatureData: (_, run) => hasComputed(run),
  MACData: (_, run) => hasComputed(run),
  IVCounterNonce: (_, run) => hasComputed(run),
  AuthenticatedEncryptionTag: (_, run) => hasComputed(run),
};

function hasComputed({ family, replayed }: Run): boolean {
  const texts = replayed.flatMap(({ exchange }) => leaves(exchange.response));
  return (
    family.made.size > 0 ||
    [...family.registered.values()].some((type) => type.includes('Key')) ||
    texts.some(({ value }) => value === 'RNGRetrieve')
  );
}

function leaves(node: XmlNode): XmlNode[] {
  return node.type === 'Structure' ? node.items.flatMap(leaves) : [node];
}

/** Every mutation of the run's expected answers that the judge did not see and had to. */
export function mutationsNotSeen(run: Run): string[] {
  const { replayed, now, family } = run;
  const scenes = scenesOf(replayed, now, family);
  return replayed.flatMap(({ exchange: { request, response } }, i) =>
    mutated(response)
      .filter(({ node }) => !isSeen({ request, response: node }, i, replayed, scenes))
      .filter((mutation) => !isAllowed(mutation, run, request))
      .map(({ what, leaf }) => `${i}: ${what} ${leaf.name}`),
  );
}

interface Mutation {
  readonly what: 'changed' | 'left out' | 'doubled' | 'retyped';
  readonly leaf: XmlNode;
  /** Names from the message to the leaf. */
  readonly path: readonly string[];
  readonly node: XmlNode;
}

/** Whether a request asks for all attributes there are: then more may come than the case knows. */
function wantsAll(request: XmlNode): boolean {
  const items = request.items.map(leaves);
  const reading = items.filter((each) => each.some(({ value }) => value === 'GetAttributes'));
  return reading.some((each) => each.every(({ name }) => name !== 'AttributeName'));
}

function isAllowed({ what, leaf, path }: Mutation, run: Run, request: XmlNode): boolean {
  if (isFree(leaf.name, leaf.value)) return true;
  if (path.includes('ServerInformation')) return true;
  if (serverToClient.has(leaf.value)) return true;
  if (what === 'changed' || what === 'retyped') {
    if (mayVary.has(leaf.name)) return what === 'changed';
    if (leaf.value.startsWith('$')) return what === 'changed' && !bindsTwice(leaf, run);
    if (leaf.type === 'DateTime') return what === 'changed';
    return what === 'changed' && varyWhen[leaf.name]?.(leaf, run) === true;
  }
  // The server may say more than the case knows of.
  if (what !== 'left out') return false;
  return lists.has(leaf.name) || (leaf.name === 'Attribute' && wantsAll(request));
}

const serverToClient: ReadonlySet<string> = new Set(['Notify', 'Put']);

const lists: ReadonlySet<string> = new Set(['Operation', 'ObjectType', 'AttributeName']);

/** A placeholder that comes again has to stand for the same; another may be anything. */
function bindsTwice(leaf: XmlNode, run: Run): boolean {
  if (!leaf.value.startsWith('$UNIQUE_IDENTIFIER')) return false;
  const all = run.replayed.flatMap(({ exchange }) => leaves(exchange.response));
  return all.filter(({ value }) => value === leaf.value).length > 1;
}

/** Each mutation of a message: a value changed, a type changed, an item left out or doubled. */
function mutated(message: XmlNode, path: readonly string[] = []): Mutation[] {
  return message.items.flatMap((item, i) => {
    const here = [...path, item.name];
    const put = (...items: readonly XmlNode[]): XmlNode => ({
      ...message,
      items: [...message.items.slice(0, i), ...items, ...message.items.slice(i + 1)],
    });
    const own: Mutation[] = [
      { what: 'left out', leaf: item, path: here, node: put() },
      { what: 'doubled', leaf: item, path: here, node: put(item, item) },
    ];
    if (item.type === 'Structure') {
      const inner = mutated(item, here).map((each) => ({ ...each, node: put(each.node) }));
      return [...own, ...inner];
    }
    const changed = { ...item, value: changedValue(item) };
    const type = item.type === 'TextString' ? 'ByteString' : 'TextString';
    return [
      ...own,
      { what: 'changed', leaf: item, path: here, node: put(changed) },
      { what: 'retyped', leaf: item, path: here, node: put({ ...item, type }) },
    ];
  });
}

function changedValue({ type, value }: XmlNode): string {
  if (value.startsWith('$UNIQUE_IDENTIFIER')) return '$UNIQUE_IDENTIFIER_9999';
  switch (type) {
    case 'Enumeration':
      return '0x7fffffff';
    case 'Integer':
      return /^-?\d+$/.test(value) ? String(Number(value) + 1) : '0x40000000';
    case 'LongInteger':
    case 'Interval':
      return String(Number(value) + 1);
    case 'Boolean':
      return value === 'true' ? 'false' : 'true';
    case 'DateTime':
      return '1999-12-31T23:59:59+00:00';
    case 'ByteString':
    case 'BigInteger':
      if (value.startsWith('$')) return '00';
      return value === '' ? '00' : value.replace(/^../, (byte) => (byte === '5a' ? 'a5' : '5a'));
    default:
      return `${value}?`;
  }
}
