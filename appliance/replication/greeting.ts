import { createHash } from 'node:crypto';
import { lackingMost } from '../keystore/receipt.ts';
import type { Heads } from '../keystore/record-log.ts';
import type { Replica } from '../keystore/replica.ts';
import { MessageFault, messageKind, protocolVersion, readHello, readPage } from './message.ts';
import type { HeadPage, Hello } from './message.ts';
import type { Surroundings } from './surroundings.ts';

/** Both nodes can tell their older epochs by one digest. */
export const headDigestFeature = 'head-digest';

/** Epochs that a greeting names; each start of a node begins one, for ever. */
export const namedEpochs = 64;
const pageEpochs = 1_000;
/** What may come of a peer that has the whole greeting before its own is whole here. */
const earlyMost = 64;

export interface GreetingParts {
  readonly replica: Replica;
  readonly surroundings: Surroundings;
  readonly peer: string;
  readonly features: readonly string[];
  readonly able: () => boolean;
  /** See `namedEpochs`; a simulation names fewer. */
  readonly named?: number;
  readonly send: (kind: number, message: HeadPage | Hello | object) => void;
}

interface Message {
  readonly kind: number;
  readonly payload: Buffer;
}

/**
 * How two nodes tell each other where they stand. Only the newest epochs are named: of the others
 * a digest is enough where both stand at the same records, and elsewhere they follow in pages.
 */
export class Greeting {
  /** Where this node stood when it greeted. */
  readonly said: Heads;
  /** What came before the peer's greeting was whole, in order. */
  readonly early: Message[] = [];
  readonly #parts: GreetingParts;
  #untold: { readonly heads: Heads; readonly remembered: Heads } | undefined;
  #heard: Hello | undefined;
  #more: { heads: Heads; remembered: Heads } | undefined;

  /** Says this node's own greeting. */
  constructor(parts: GreetingParts) {
    this.#parts = parts;
    const { replica, peer, surroundings, features, able, send, named: most = namedEpochs } = parts;
    const heads = replica.heads();
    const remembered = replica.receipts.heads(peer);
    const common = {
      protocol: protocolVersion,
      node: replica.node,
      cluster: replica.cluster,
      epoch: replica.epoch,
      features,
      lacking: replica.lacking(lackingMost),
      able: able(),
      time: surroundings.now(),
    };
    this.said = heads;
    const epochs = new Set([...Object.keys(heads), ...Object.keys(remembered)]);
    if (epochs.size <= most || !replica.features().includes(headDigestFeature)) {
      send(messageKind.hello, { ...common, heads, remembered } satisfies Hello);
      return;
    }
    const named = new Set(replica.newestEpochs(most));
    const [newest, others] = parted(heads, named);
    const [newestRemembered, othersRemembered] = parted(remembered, named);
    this.#untold = { heads: others, remembered: othersRemembered };
    const rest = { heads: digestOf(others), remembered: digestOf(othersRemembered) };
    const told = { heads: newest, remembered: newestRemembered, rest };
    send(messageKind.hello, { ...common, ...told } satisfies Hello);
  }

  /**
   * Takes what comes before the peer's greeting is whole; gives that then. Throws MessageFault.
   */
  hear(kind: number, payload: Buffer): Hello | undefined {
    if (kind === messageKind.more) {
      this.tell();
      return undefined;
    }
    if (this.#heard === undefined) {
      if (kind !== messageKind.hello) throw new MessageFault('no greeting');
      return this.#greeted(readHello(payload));
    }
    if (kind === messageKind.heads) return this.#page(this.#heard, readPage(payload));
    if (this.early.push({ kind, payload }) > earlyMost) throw new MessageFault('no end of heads');
    return undefined;
  }

  /** Names the epochs that the greeting did not name, once. */
  tell(): void {
    const { heads, remembered } = this.#untold ?? { heads: {}, remembered: {} };
    this.#untold = undefined;
    const epochs = [...new Set([...Object.keys(heads), ...Object.keys(remembered)])];
    for (let from = 0; from === 0 || from < epochs.length; from += pageEpochs) {
      const page = new Set(epochs.slice(from, from + pageEpochs));
      const last = from + pageEpochs >= epochs.length;
      const told = { heads: parted(heads, page)[0], remembered: parted(remembered, page)[0] };
      this.#parts.send(messageKind.heads, { ...told, last } satisfies HeadPage);
    }
  }

  #greeted(hello: Hello): Hello | undefined {
    this.#heard = hello;
    const { rest } = hello;
    if (rest === undefined) return hello;
    const [, others] = parted(this.#parts.replica.heads(), new Set(Object.keys(hello.heads)));
    const digest = digestOf(others);
    if (rest.heads === digest && rest.remembered === digest) {
      return joined(hello, { heads: others, remembered: others });
    }
    this.#more = { heads: {}, remembered: {} };
    this.#parts.send(messageKind.more, {});
    return undefined;
  }

  #page(hello: Hello, { heads, remembered, last }: HeadPage): Hello | undefined {
    if (this.#more === undefined) throw new MessageFault('nobody asked for heads');
    Object.assign(this.#more.heads, heads);
    Object.assign(this.#more.remembered, remembered);
    return last ? joined(hello, this.#more) : undefined;
  }
}

function joined(hello: Hello, more: { readonly heads: Heads; readonly remembered: Heads }): Hello {
  return {
    ...hello,
    heads: { ...more.heads, ...hello.heads },
    remembered: { ...more.remembered, ...hello.remembered },
  };
}

/** The heads of these epochs, and those of all others. */
function parted(heads: Heads, epochs: ReadonlySet<string>): [of: Heads, others: Heads] {
  const entries = Object.entries(heads);
  return [
    Object.fromEntries(entries.filter(([epoch]) => epochs.has(epoch))),
    Object.fromEntries(entries.filter(([epoch]) => !epochs.has(epoch))),
  ];
}

function digestOf(heads: Heads): string {
  const sum = createHash('sha256');
  for (const epoch of Object.keys(heads).sort()) {
    const [seq, hash] = heads[epoch] ?? [0, ''];
    sum.update(`${epoch} ${seq} ${hash}\n`);
  }
  return sum.digest('hex');
}
