import type { KeeperErrorCode } from './keeper.ts';

/** The requests of the keeper's two sockets: the kind of the frame. */
export const keeperRequest = {
  /** Items (see `joinItems`): context and plaintext; answered with outcomes. */
  seal: 1,
  /** Items: context and sealed bytes; answered with outcomes. */
  open: 2,
  /** Nothing; answered with JSON of KeeperStatus. */
  status: 3,
  /** Nothing; says that no bytes under an older generation are left, and forgets those. */
  retire: 4,
  /** One of `clusterPurposes` as text; answered with 32 bytes. */
  derive: 5,
  /** Nothing; answered with the slot table as it lies on the disk. */
  slots: 6,
  /** Nothing; answered with JSON of ConsoleActs, or of null before any act. */
  consoleActs: 7,
  /** JSON of ActPlace: up to there acts are durably in the audit; answered with nothing. */
  consoleActsTaken: 8,
  /** Nothing; answered with JSON of a cluster's id and identity. */
  identity: 64,
  /** JSON of PairingProposal: shown to the person at the console; answered with nothing. */
  propose: 65,
  /** JSON of PairingCandidate, or of null. */
  candidate: 66,
  /** A peer's node; answered with JSON of the Statement for its keeper. */
  statement: 67,
  /** JSON of a peer's Statement; answered with nothing. */
  take: 68,
  /** Nothing; says that every record has come and every secret was opened. */
  joined: 69,
  /** Console only. A label; answered with JSON of the PublicRoot that is to join. */
  prepareJoin: 70,
  /** Console only. JSON of the words that a person compared; answered with nothing. */
  confirmPairing: 71,
  /** Console only. Nothing; forgets the pairing that waits. */
  refusePairing: 72,
  /** Console only. A peer's node; answered with the new generation in hexadecimal. */
  removePeer: 73,
  /** Console only. Nothing; answered with JSON: whether there is an administrator's passphrase. */
  hasAdministrator: 80,
  /** Console only. One item: the old passphrase, or none, and the new one. */
  setAdministrator: 81,
  /** Console only. One item: nothing, and a passphrase; answered with nothing where it is right. */
  checkAdministrator: 82,
  /** Console only. JSON of InitialiseRequest; answered with nothing. */
  initialise: 16,
  /** Console only. One item: a token's name, or none, and its PIN; answered with nothing. */
  pin: 17,
  /** Console only. JSON of InitialiseRequest: the new root key's label; answered with nothing. */
  rotateRootKey: 18,
  /** Console only. Nothing; answered with the new generation in hexadecimal. */
  rotateWrappingKey: 19,
  /** Console only. JSON of RecoveryRequest; answered with JSON of the shares. */
  makeRecovery: 20,
  /** Console only. JSON of the shares; answered with nothing. */
  proveRecovery: 21,
  /** Console only. JSON of RestoreRequest; answered with nothing. */
  restore: 22,
  /** Console only: `twinlock seal`. Answered with nothing once no wrapping key is in memory. */
  shut: 23,
  /** Console only: `twinlock unseal`. Answered with nothing once the wrapping key is open. */
  unshut: 24,
  /** Console only. Nothing; answered with JSON of KeyHolders. */
  holders: 26,
  /** Console only. The cluster's name as it was typed; answered with JSON of Shredded. */
  shred: 27,
  /** Console only. JSON of LendRequest; answered with nothing. */
  lend: 32,
  /** Console only. JSON of InitialiseRequest; answered with the CKA_ID in hexadecimal. */
  makeRecoveryToken: 48,
  /** Console only. A token's name; answered with nothing. */
  proveRecoveryToken: 49,
  /** Console only. A CKA_ID in hexadecimal; answered with nothing. */
  removeRecoveryToken: 50,
  /** Console only. Like `pin`, for a blank token; answered with the officer's PIN as text. */
  provision: 40,
} as const;

/** What the server may have a key for that all nodes of the cluster share. */
export const clusterPurposes = [
  'material commitment',
  'backup',
  'head memory',
  'record table',
] as const;
export type ClusterPurpose = (typeof clusterPurposes)[number];

export const keeperAnswer = { success: 0x80, refusal: 0x81 } as const;

/** The longest payload of a frame in bytes, and of one item. */
export const keeperPayloadBytes = 8 << 20;
export const keeperItemBytes = 2 << 20;

/** Outcome byte of an item: 0 is success, else 1 + the place in this list. */
export const keeperErrorCodes = [
  'unavailable',
  'sealed',
  'not-authentic',
  'generation-unknown',
  'too-large',
  'protocol',
  'token',
  'not-new',
  'rotating',
  'share-damaged',
  'share-foreign',
  'shares-too-few',
  'no-recovery',
  'sealed-by-order',
  'share-word',
  'share-twice',
  'share-wrong',
  'proposal-refused',
  'statement-refused',
  'peer-unknown',
  'token-unknown',
  'token-in-use',
  'passphrase-wrong',
  'passphrase-short',
  'shred-refused',
  'shredded',
  'recovery-foreign',
  'recovery-unknown',
  'recovery-needed',
] as const satisfies readonly KeeperErrorCode[];

export interface Item {
  readonly context: Uint8Array;
  readonly data: Uint8Array;
}

/** One payload of many items: context length (2 bytes), data length (4), context, data. */
export function joinItems(items: readonly Item[]): Buffer {
  let size = 0;
  for (const { context, data } of items) size += 6 + context.length + data.length;
  const bytes = Buffer.allocUnsafeSlow(size);
  let offset = 0;
  for (const { context, data } of items) {
    offset = bytes.writeUInt16BE(context.length, offset);
    offset = bytes.writeUInt32BE(data.length, offset);
    bytes.set(context, offset);
    offset += context.length;
    bytes.set(data, offset);
    offset += data.length;
  }
  return bytes;
}

/** The items of a payload, as views of it; a RangeError where they do not add up. */
export function splitItems(payload: Buffer): Item[] {
  const items: Item[] = [];
  let offset = 0;
  while (offset < payload.length) {
    const start = offset + 6;
    const middle = start + payload.readUInt16BE(offset);
    const end = middle + payload.readUInt32BE(offset + 2);
    if (end > payload.length) throw new RangeError('an item beyond its payload');
    items.push({
      context: payload.subarray(start, middle),
      data: payload.subarray(middle, end),
    });
    offset = end;
  }
  return items;
}

export interface Outcome {
  readonly code: number;
  readonly data: Uint8Array;
}

/** One payload of many outcomes: code (1 byte), length (4), data. */
export function joinOutcomes(outcomes: readonly Outcome[]): Buffer {
  let size = 0;
  for (const { data } of outcomes) size += 5 + data.length;
  const bytes = Buffer.allocUnsafeSlow(size);
  let offset = 0;
  for (const { code, data } of outcomes) {
    offset = bytes.writeUInt8(code, offset);
    offset = bytes.writeUInt32BE(data.length, offset);
    bytes.set(data, offset);
    offset += data.length;
  }
  return bytes;
}

/** The outcomes of a payload; their data are views of it. */
export function splitOutcomes(payload: Buffer): { code: number; data: Buffer }[] {
  const outcomes: { code: number; data: Buffer }[] = [];
  let offset = 0;
  while (offset < payload.length) {
    const start = offset + 5;
    const end = start + payload.readUInt32BE(offset + 1);
    if (end > payload.length) throw new RangeError('an outcome beyond its payload');
    outcomes.push({ code: payload.readUInt8(offset), data: payload.subarray(start, end) });
    offset = end;
  }
  return outcomes;
}
