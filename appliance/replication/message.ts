import type { Entry, LooseMaterial } from '../keystore/exchange.ts';
import type { Fetch } from '../keystore/fetch-hint.ts';
import type { Heads } from '../keystore/record-log.ts';

/** The kinds of message between two nodes. */
export const messageKind = {
  /** JSON of Hello: the first message, in both directions. */
  hello: 1,
  /** Records with their secrets. */
  entries: 2,
  /** JSON of Ack: so many messages of entries are stored, and the sender stands there. */
  ack: 3,
  /** JSON of Beat, each second. */
  beat: 4,
  /** Secrets that the other side lacks. */
  materials: 5,
  /** JSON of Heads: send again what is behind these. */
  resync: 6,
  /** JSON of Place: another record stands there than the author's head says. */
  forked: 7,
  /** JSON of Place, and the answer with the hash that is there. */
  trace: 8,
  traced: 9,
  /** JSON of Comparison. */
  compare: 10,
  /** Empty: the digest of what the greeting did not name is not that of this node. */
  more: 11,
  /** JSON of HeadPage: what the greeting did not name. */
  heads: 12,
  /** JSON of { places }: records that are damaged here; and those records, as `entries` are. */
  want: 13,
  wanted: 14,
  /** JSON of Fetches: hints that nothing is acknowledged of. */
  fetched: 15,
} as const;

/** So many hints are in one message, each second, until all are told. */
export const fetchesMost = 500;

export const protocolVersion = 1;

/** So many damaged records are asked for at once. */
export const placesMost = 64;

/** The longest message in bytes: one record may hold a secret of 2 MiB. */
export const messageBytes = 8 << 20;

export interface Hello {
  readonly protocol: number;
  readonly node: string;
  readonly cluster: string;
  readonly epoch: string;
  readonly features: readonly string[];
  readonly heads: Heads;
  /** What the sender remembers that the other node had stored. */
  readonly remembered: Heads;
  /** Digests of both for the epochs that `heads` does not name; absent where it names all. */
  readonly rest?: { readonly heads: string; readonly remembered: string };
  /** Objects whose secret the sender should have and has not. */
  readonly lacking: readonly string[];
  readonly able: boolean;
  /** Seconds since 1970. */
  readonly time: number;
}

export interface Ack {
  /** Messages of entries that were taken since the hello. */
  readonly taken: number;
  /** Where the sender stands now, in the epochs that changed. */
  readonly heads: Heads;
  readonly lacking: readonly string[];
  /** Whether its keeper opens under a wrapping key whose slot its token opened just now. */
  readonly able: boolean;
}

export interface Beat {
  readonly heads: Heads;
  readonly lacking: readonly string[];
  readonly able: boolean;
  readonly time: number;
}

/** What the sender makes of all records up to some heads. */
export interface Comparison {
  readonly fold: string;
  readonly digest: string;
  /** Up to which records; absent in the answer to whoever named them. */
  readonly heads?: Heads;
}

export interface HeadPage {
  readonly heads: Heads;
  readonly remembered: Heads;
  readonly last: boolean;
}

export interface Place {
  readonly epoch: string;
  readonly seq: number;
  readonly hash?: string;
}

/** The last fetches that the sender answered: object, seconds since 1970, client. */
export interface Fetches {
  readonly fetches: readonly (readonly [object: string, time: number, client: string])[];
}

export function toJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** A peer's message that is none. */
export class MessageFault extends Error {
  override readonly name = 'MessageFault';
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(payload: Buffer): Fields {
  const value: unknown = JSON.parse(payload.toString());
  if (typeof value !== 'object' || value === null) throw new MessageFault('not an object');
  return value as Fields;
}

function headsIn(value: unknown): Heads {
  if (typeof value !== 'object' || value === null) throw new MessageFault('no heads');
  for (const [epoch, head] of Object.entries(value)) {
    const [seq, hash] = Array.isArray(head) ? (head as unknown[]) : [];
    const whole = /^[0-9a-f]{1,64}$/.test(epoch) && Number.isSafeInteger(seq) && Number(seq) > 0;
    if (!whole || typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) {
      throw new MessageFault('a head that is none');
    }
  }
  return value as Heads;
}

function textsIn(value: unknown): readonly string[] {
  const whole = Array.isArray(value) && value.every((each) => typeof each === 'string');
  if (!whole) throw new MessageFault('no list of texts');
  return value;
}

function numberIn(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new MessageFault('no number');
  return value as number;
}

function textIn(value: unknown): string {
  if (typeof value !== 'string') throw new MessageFault('no text');
  return value;
}

/** Members are trusted, but no message may be taken for what it is not. Throws MessageFault. */
export function readHello(payload: Buffer): Hello {
  const fields = fieldsOf(payload);
  const rest = fields['rest'] as Fields | undefined;
  const read = rest && { heads: textIn(rest['heads']), remembered: textIn(rest['remembered']) };
  return {
    ...(read === undefined ? {} : { rest: read }),
    protocol: numberIn(fields['protocol']),
    node: textIn(fields['node']),
    cluster: textIn(fields['cluster']),
    epoch: textIn(fields['epoch']),
    features: textsIn(fields['features']),
    heads: headsIn(fields['heads']),
    remembered: headsIn(fields['remembered']),
    lacking: textsIn(fields['lacking']),
    able: fields['able'] === true,
    time: numberIn(fields['time']),
  };
}

export function readAck(payload: Buffer): Ack {
  const fields = fieldsOf(payload);
  return { taken: numberIn(fields['taken']), ...standingIn(fields) };
}

export function readBeat(payload: Buffer): Beat {
  const fields = fieldsOf(payload);
  return { ...standingIn(fields), time: numberIn(fields['time']) };
}

export function readComparison(payload: Buffer): Comparison {
  const { fold, digest, heads } = fieldsOf(payload);
  const read = { fold: textIn(fold), digest: textIn(digest) };
  return heads === undefined ? read : { ...read, heads: headsIn(heads) };
}

export function readFetches(payload: Buffer): Fetch[] {
  const { fetches } = fieldsOf(payload);
  if (!Array.isArray(fetches) || fetches.length > fetchesMost) throw new MessageFault('no fetches');
  return fetches.map((each: unknown) => {
    const [object, time, client] = Array.isArray(each) ? (each as unknown[]) : [];
    return { object: textIn(object), time: numberIn(time), client: textIn(client) };
  });
}

export function readHeads(payload: Buffer): Heads {
  return headsIn(fieldsOf(payload));
}

export function readPage(payload: Buffer): HeadPage {
  const fields = fieldsOf(payload);
  const { heads, remembered, last } = fields;
  return { heads: headsIn(heads), remembered: headsIn(remembered), last: last === true };
}

export function readPlaces(payload: Buffer): Place[] {
  const { places } = fieldsOf(payload);
  if (!Array.isArray(places)) throw new MessageFault('no places');
  return places.slice(0, placesMost).map((place) => {
    const { epoch, seq } = place as Fields;
    return { epoch: textIn(epoch), seq: numberIn(seq) };
  });
}

export function readPlace(payload: Buffer): Place {
  const { epoch, seq, hash } = fieldsOf(payload);
  const place = { epoch: textIn(epoch), seq: numberIn(seq) };
  return hash === undefined ? place : { ...place, hash: textIn(hash) };
}

function standingIn(fields: Fields): Pick<Ack, 'heads' | 'lacking' | 'able'> {
  return {
    heads: headsIn(fields['heads']),
    lacking: textsIn(fields['lacking']),
    able: fields['able'] === true,
  };
}

/** Each part: its length (4 bytes) and its bytes. */
function joined(parts: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    offset = bytes.writeUInt32BE(part.length, offset);
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function parted(payload: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let offset = 0; offset < payload.length;) {
    if (offset + 4 > payload.length) throw new MessageFault('a part without its length');
    const end = offset + 4 + payload.readUInt32BE(offset);
    if (end > payload.length) throw new MessageFault('a part beyond its message');
    parts.push(payload.subarray(offset + 4, end));
    offset = end;
  }
  return parts;
}

/** Records: body, signature, sealed secret (empty where there is none) of each. */
export function encodeEntries(entries: readonly Entry[]): Buffer {
  return joined(
    entries.flatMap(({ body, signature, sealed }) => [
      body,
      signature,
      sealed ?? new Uint8Array(0),
    ]),
  );
}

export function decodeEntries(payload: Buffer): Entry[] {
  const parts = parted(payload);
  if (parts.length % 3 !== 0) throw new MessageFault('half a record');
  const entries: Entry[] = [];
  for (let i = 0; i < parts.length; i += 3) {
    const [body, signature, sealed] = parts.slice(i, i + 3);
    if (body === undefined || signature === undefined || sealed === undefined) break;
    entries.push(sealed.length === 0 ? { body, signature } : { body, signature, sealed });
  }
  return entries;
}

/** Secrets: object, commitment, sealed bytes of each. */
export function encodeMaterials(materials: readonly LooseMaterial[]): Buffer {
  return joined(
    materials.flatMap(({ object, commitment, sealed }) => [
      Buffer.from(object),
      Buffer.from(commitment, 'hex'),
      sealed,
    ]),
  );
}

export function decodeMaterials(payload: Buffer): LooseMaterial[] {
  const parts = parted(payload);
  if (parts.length % 3 !== 0) throw new MessageFault('half a secret');
  const materials: LooseMaterial[] = [];
  for (let i = 0; i < parts.length; i += 3) {
    const [object, commitment, sealed] = parts.slice(i, i + 3);
    if (object === undefined || commitment === undefined || sealed === undefined) break;
    materials.push({ object: object.toString(), commitment: commitment.toString('hex'), sealed });
  }
  return materials;
}
