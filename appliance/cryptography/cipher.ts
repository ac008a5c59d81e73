import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { CipherGCM, CipherGCMTypes, DecipherGCM } from 'node:crypto';
import { BlockCipherMode, CryptographicAlgorithm, PaddingMethod } from '../kmip/enumeration.ts';
import { ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { attempt, gathering } from './gathering.ts';
import { wrapIv, wrapName } from './key-wrap.ts';
import { paddingFor, unpadded } from './padding.ts';
import { badParameters, failed, unsupported } from './parameters.ts';
import type { Parameters, Transformation } from './parameters.ts';

/** What a symmetric encryption or decryption is made of. */
export interface CipherSetting {
  /** The key's own algorithm, unless the parameters name another. */
  readonly algorithm: CryptographicAlgorithm;
  readonly key: Uint8Array;
  readonly parameters: Parameters;
  readonly iv?: Uint8Array;
  readonly additionalData?: Uint8Array;
  readonly random: (bytes: number) => Buffer;
  /** The tag of an AEAD is the end of what is to be decrypted. */
  readonly tagBehind?: boolean;
}

/** Encrypts piece by piece; `iv` is there when it was made here. */
export interface Encryption extends Transformation {
  readonly iv?: Buffer;
  /** The authentication tag, once the end of an AEAD was reached. */
  readonly tag: () => Buffer | undefined;
}

/** Decrypts piece by piece. An AEAD needs its tag before the end. */
export interface Decryption extends Transformation {
  setTag(tag: Uint8Array): void;
}

const blockBytes = (algorithm: CryptographicAlgorithm): number =>
  algorithm === CryptographicAlgorithm.DES3 ? 8 : 16;

const families: Readonly<Partial<Record<number, string>>> = {
  [CryptographicAlgorithm.AES]: 'aes',
  [CryptographicAlgorithm.Camellia]: 'camellia',
  [CryptographicAlgorithm.ARIA]: 'aria',
};

const modes: Readonly<Partial<Record<number, string>>> = {
  [BlockCipherMode.CBC]: 'cbc',
  [BlockCipherMode.ECB]: 'ecb',
  [BlockCipherMode.CFB]: 'cfb',
  [BlockCipherMode.OFB]: 'ofb',
  [BlockCipherMode.CTR]: 'ctr',
  [BlockCipherMode.GCM]: 'gcm',
  [BlockCipherMode.CCM]: 'ccm',
  [BlockCipherMode.XTS]: 'xts',
};

/** The cipher and the way it is fed. */
interface Plan {
  readonly name: string;
  readonly kind: 'block' | 'stream' | 'aead' | 'whole';
  /** Bytes that an IV, counter block or nonce has; 0 for none. */
  readonly ivBytes: number;
  readonly block: number;
  readonly padding: PaddingMethod;
  readonly tagBytes: number;
}

/** Begins an encryption. Throws KmipError for parameters that do not go together. */
export function encryption(setting: CipherSetting): Encryption {
  const plan = planOf(setting);
  const chosen = ivOf(plan, setting, true);
  const made = setting.iv === undefined && chosen !== undefined ? { iv: chosen } : {};
  const iv = chosen === undefined ? null : wholeIv(plan, setting, chosen);
  if (plan.kind === 'aead') return aeadEncryption(plan, setting, iv ?? empty, made);
  if (plan.kind === 'whole') {
    const act = gathering(wholeCipher(plan, setting, iv, true));
    return { ...act, ...made, tag: noTag };
  }
  const cipher = attempt(() => createCipheriv(plan.name, setting.key, iv).setAutoPadding(false));
  let length = 0;
  return {
    ...made,
    tag: noTag,
    update(data) {
      length += data.length;
      return attempt(() => cipher.update(data));
    },
    final() {
      if (plan.kind === 'stream') return attempt(() => cipher.final());
      const padding = paddingFor(plan.padding, length, plan.block, setting.random);
      return attempt(() => Buffer.concat([cipher.update(padding), cipher.final()]));
    },
  };
}

/** Begins a decryption. Throws KmipError for parameters that do not go together. */
export function decryption(setting: CipherSetting): Decryption {
  const plan = planOf(setting);
  const chosen = ivOf(plan, setting, false);
  const iv = chosen === undefined ? null : wholeIv(plan, setting, chosen);
  if (plan.kind === 'aead') return aeadDecryption(plan, setting, iv ?? empty);
  const common = { setTag: refuseTag };
  if (plan.kind === 'whole') {
    return { ...common, ...gathering(wholeCipher(plan, setting, iv, false)) };
  }
  const cipher = attempt(() => createDecipheriv(plan.name, setting.key, iv).setAutoPadding(false));
  // The last block waits for the end, where its padding is taken off.
  let held: Buffer = Buffer.alloc(0);
  const hold = plan.kind === 'block' && plan.padding !== PaddingMethod.None ? plan.block : 0;
  return {
    ...common,
    update(data) {
      const all = Buffer.concat([held, attempt(() => cipher.update(data))]);
      const keep = Math.min(hold, all.length);
      held = Buffer.from(all.subarray(all.length - keep));
      return all.subarray(0, all.length - keep);
    },
    final() {
      const all = Buffer.concat([held, attempt(() => cipher.final())]);
      if (hold === 0) return all;
      if (all.length === 0) throw failed();
      return unpadded(plan.padding, all);
    },
  };
}

const empty = Buffer.alloc(0);
const noTag = (): undefined => undefined;

function refuseTag(): void {
  throw badParameters('This mode has no authentication tag');
}

function aeadEncryption(
  plan: Plan,
  setting: CipherSetting,
  iv: Uint8Array,
  made: { readonly iv?: Buffer },
): Encryption {
  const { additionalData } = setting;
  const options = { authTagLength: plan.tagBytes };
  // The caller wipes its key once this has begun; CCM needs one at its end.
  const key = Buffer.from(setting.key);
  const open = (plaintextLength: number): CipherGCM => {
    const cipher = createCipheriv(plan.name as CipherGCMTypes, key, iv, options);
    if (additionalData !== undefined) {
      cipher.setAAD(additionalData, { plaintextLength });
    }
    return cipher;
  };
  if (plan.name.endsWith('ccm')) return wholeAead(open, key, made);
  const cipher = attempt(() => open(0));
  key.fill(0);
  let tag: Buffer | undefined;
  return {
    ...made,
    update: (data) => attempt(() => cipher.update(data)),
    final() {
      const rest = attempt(() => cipher.final());
      tag = cipher.getAuthTag();
      return rest;
    },
    tag: () => tag,
  };
}

/** CCM wants to know the length first, so its data is gathered until the end. */
function wholeAead(
  open: (length: number) => CipherGCM,
  key: Buffer,
  made: { readonly iv?: Buffer },
): Encryption {
  let tag: Buffer | undefined;
  const act = gathering((data) => {
    const cipher = open(data.length);
    key.fill(0);
    const result = Buffer.concat([cipher.update(data), cipher.final()]);
    tag = cipher.getAuthTag();
    return result;
  });
  return {
    ...made,
    ...act,
    tag: () => tag,
  };
}

function aeadDecryption(plan: Plan, setting: CipherSetting, iv: Uint8Array): Decryption {
  const { additionalData } = setting;
  let tag: Uint8Array | undefined;
  const open = (plaintextLength: number): DecipherGCM => {
    const authTagLength = tag?.length ?? plan.tagBytes;
    const options = { authTagLength };
    const cipher = createDecipheriv(plan.name as CipherGCMTypes, key, iv, options);
    if (tag !== undefined) cipher.setAuthTag(tag);
    if (additionalData !== undefined) cipher.setAAD(additionalData, { plaintextLength });
    return cipher;
  };
  const key = Buffer.from(setting.key);
  const act = gathering((whole) => {
    const behind = tag === undefined && setting.tagBehind === true ? plan.tagBytes : 0;
    if (whole.length < behind) throw failed();
    const data = whole.subarray(0, whole.length - behind);
    if (behind > 0) tag = whole.subarray(whole.length - behind);
    if (tag === undefined) throw badParameters('The authentication tag is missing');
    const cipher = open(data.length);
    // Nothing of it is given out before the tag is right.
    const result = Buffer.concat([cipher.update(data), cipher.final()]);
    key.fill(0);
    return result;
  });
  return {
    ...act,
    setTag(value) {
      checkTagLength(plan.name, value.length);
      tag = value;
    },
  };
}

function wholeCipher(
  plan: Plan,
  { key }: CipherSetting,
  iv: Uint8Array | null,
  encrypts: boolean,
): (data: Buffer) => Buffer {
  const start = plan.name.includes('wrap') ? wrapIv(plan.name) : iv;
  const make = encrypts ? createCipheriv : createDecipheriv;
  const cipher = attempt(() => make(plan.name, key, start));
  return (data) => Buffer.concat([cipher.update(data), cipher.final()]);
}

function planOf({ algorithm, key, parameters }: CipherSetting): Plan {
  const used = parameters.cryptographicAlgorithm ?? algorithm;
  const { blockCipherMode: mode, paddingMethod: padding = PaddingMethod.None } = parameters;
  const { ChaCha20, ChaCha20Poly1305, DES3 } = CryptographicAlgorithm;
  const common = { block: blockBytes(used), padding, tagBytes: 0 };
  if (used === ChaCha20Poly1305 || (used === ChaCha20 && mode === BlockCipherMode.AEAD)) {
    const tagBytes = parameters.tagLength ?? 16;
    if (tagBytes !== 16) throw badParameters('The tag has 16 bytes');
    return { ...common, name: 'chacha20-poly1305', kind: 'aead', ivBytes: 12, tagBytes };
  }
  if (used === ChaCha20) return { ...common, name: 'chacha20', kind: 'stream', ivBytes: 12 };
  if (mode === undefined) throw badParameters('A block cipher mode is required');
  const wrap = wrapName(used, key.length, mode);
  if (wrap !== undefined) return { ...common, ...wrap, kind: 'whole', ivBytes: 0 };
  const word = modes[mode];
  const family = used === DES3 ? tripleDes(key.length) : blockFamily(used, key.length, mode);
  if (word === undefined || family === undefined) {
    throw unsupported('This algorithm and mode are not computed here');
  }
  const name = `${family}-${word}`;
  switch (word) {
    case 'cbc':
      return { ...common, name, kind: 'block', ivBytes: common.block };
    case 'ecb':
      return { ...common, name, kind: 'block', ivBytes: 0 };
    case 'gcm':
    case 'ccm': {
      const tagBytes = parameters.tagLength ?? 16;
      checkTagLength(name, tagBytes);
      return { ...common, name, kind: 'aead', ivBytes: 12, tagBytes };
    }
    case 'xts':
      return { ...common, name, kind: 'whole', ivBytes: 16 };
    default:
      return { ...common, name, kind: 'stream', ivBytes: common.block };
  }
}

function blockFamily(used: number, bytes: number, mode: BlockCipherMode): string | undefined {
  if (used === CryptographicAlgorithm.SM4) return bytes === 16 ? 'sm4' : undefined;
  const family = families[used];
  if (family === undefined) return undefined;
  // XTS has two keys in one (IEEE 1619).
  const bits = mode === BlockCipherMode.XTS ? bytes * 4 : bytes * 8;
  return `${family}-${bits}`;
}

/** Two keys of eight bytes or three. */
function tripleDes(bytes: number): string | undefined {
  return { 16: 'des-ede', 24: 'des-ede3' }[bytes];
}

/** Tags of NIST SP 800-38D and 38C. */
function checkTagLength(name: string, bytes: number): void {
  const gcm = [4, 8, 12, 13, 14, 15, 16];
  const ccm = [4, 6, 8, 10, 12, 14, 16];
  const allowed = name.endsWith('ccm') ? ccm : name.endsWith('gcm') ? gcm : [16];
  if (!allowed.includes(bytes)) throw badParameters('No tag of this length');
}

/** The IV that the client gives, or, where it asks for one, a random one (§3.6, Random IV). */
function ivOf(plan: Plan, setting: CipherSetting, encrypts: boolean): Buffer | undefined {
  if (plan.ivBytes === 0) return undefined;
  if (setting.iv !== undefined) return Buffer.from(setting.iv);
  const { randomIV, ivLength } = setting.parameters;
  if (encrypts && randomIV === true) {
    const bytes = ivLength === undefined ? plan.ivBytes : ivLength / 8;
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > 128) throw badParameters('IV Length');
    return setting.random(bytes);
  }
  const message = 'An IV, counter or nonce is required';
  throw new KmipError(ResultReason.MissingInitializationVector, message);
}

/** A counter block or ChaCha20's state out of a shorter nonce and the counter's first value. */
function wholeIv(plan: Plan, { parameters }: CipherSetting, iv: Buffer): Buffer {
  const { initialCounterValue } = parameters;
  if (plan.name === 'chacha20') {
    if (iv.length === 16) return iv;
    if (iv.length !== 12 && iv.length !== 8) throw badParameters('No nonce of this length');
    const counter = Buffer.alloc(16 - iv.length);
    counter.writeUInt32LE((initialCounterValue ?? 0) >>> 0);
    return Buffer.concat([counter, iv]);
  }
  if (plan.name.endsWith('-ctr') && iv.length < plan.block) {
    // RFC 3686 §4: the counter follows the nonce and begins at 1.
    const counter = Buffer.alloc(plan.block - iv.length);
    if (counter.length < 4) throw badParameters('No nonce of this length');
    counter.writeUInt32BE((initialCounterValue ?? 1) >>> 0, counter.length - 4);
    return Buffer.concat([iv, counter]);
  }
  if (plan.kind === 'aead') {
    const [least, most] = plan.name.endsWith('ccm') ? [7, 13] : [1, 128];
    if (iv.length < least || iv.length > most) throw badParameters('No nonce of this length');
    return iv;
  }
  if (iv.length !== plan.ivBytes) throw badParameters('No IV of this length');
  return iv;
}
