import type { KeyObject } from 'node:crypto';
import { importKey } from '../cryptography/asymmetric-key.ts';
import type { Parameters } from '../cryptography/parameters.ts';
import { cryptographicParameters } from '../kmip/attribute-structure.ts';
import {
  KeyFormatType,
  ObjectType,
  ResultReason,
  State,
  WrappingMethod,
} from '../kmip/enumeration.ts';
import type { CryptographicAlgorithm } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { CryptographicUsageMask } from '../kmip/mask.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { decode } from '../ttlv/decode.ts';
import type { Item } from '../ttlv/item.ts';
import { numberOf } from './new-object.ts';
import type { Context } from './operation.ts';

export type Usage = keyof typeof CryptographicUsageMask;

/** Uses that protect data, and those that process what is protected (KMIP 1.4 §3.22). */
const protecting: ReadonlySet<Usage> = new Set<Usage>([
  'Encrypt',
  'Sign',
  'MACGenerate',
  'WrapKey',
  'DeriveKey',
  'CertificateSign',
]);

/**
 * Refuses a use that the object's state, dates or Cryptographic Usage Mask do not allow. Protecting
 * takes an Active object before its Protect Stop Date; processing one that was activated, and not
 * before its Process Start Date: who holds data under an old key has to be able to read it.
 * Throws KmipError Invalid Object Type, Wrong Key Lifecycle State, Incompatible Cryptographic Usage
 * Mask.
 */
export function requireUse(object: ManagedObject, usage: Usage, context: Context): void {
  const { OpaqueObject, Template } = ObjectType;
  if (object.objectType === OpaqueObject || object.objectType === Template) throw wrongType();
  requireState(object, usage, context.now());
  const mask = numberOf(object.attributes, 'Cryptographic Usage Mask') ?? 0;
  if ((mask & CryptographicUsageMask[usage]) === 0) {
    const reason = ResultReason.IncompatibleCryptographicUsageMask;
    throw new KmipError(reason, 'The Cryptographic Usage Mask does not allow this');
  }
}

function requireState(object: ManagedObject, usage: Usage, now: number): void {
  const { Active, Deactivated, Compromised } = State;
  const { state } = object;
  const early = dateOf(object, 'Process Start Date');
  const late = dateOf(object, 'Protect Stop Date');
  const allowed = protecting.has(usage)
    ? state === Active && (late === undefined || now < late)
    : [Active, Deactivated, Compromised].some((each) => each === state) &&
      (early === undefined || now >= early);
  if (!allowed) {
    const message = 'The object may not be used so in its state';
    throw new KmipError(ResultReason.WrongKeyLifecycleState, message);
  }
}

/** A date among an object's attributes, in seconds since 1970. */
export function dateOf(object: ManagedObject, name: string): number | undefined {
  const value = object.attributes.find((attribute) => attribute.name === name)?.value;
  return value?.type === 'DateTime' ? Number(value.value) : undefined;
}

/** The refusal for an object that has no key to compute with. */
export function wrongType(): KmipError {
  const message = 'The object is not one that can be used so';
  return new KmipError(ResultReason.InvalidObjectType, message);
}

/**
 * Takes what a use costs off the object's Usage Limits (KMIP 1.4 §3.21), durably before anything is
 * answered. `bytes`: of the data; a limit in objects counts one. Throws KmipError Usage Limit
 * Exceeded.
 */
export async function spendUse(
  object: ManagedObject,
  bytes: number,
  objects: number,
  context: Context,
): Promise<void> {
  const { uniqueIdentifier } = object;
  if (!object.attributes.some(({ name }) => name === 'Usage Limits')) return;
  const amount = BigInt(countsBytes(object) ? bytes : objects);
  if (amount === 0n) return;
  await context.keystore.change((draft) => {
    refuseExcess(draft.spend(uniqueIdentifier, amount));
  });
}

export function refuseExcess(spending: 'spent' | 'unlimited' | 'exceeded' | 'elsewhere'): void {
  if (spending === 'exceeded' || spending === 'elsewhere') {
    const where = spending === 'elsewhere' ? ' on this node' : '';
    const message = `The Usage Limits do not leave this much${where}`;
    throw new KmipError(ResultReason.UsageLimitExceeded, message);
  }
}

/** Whether an object's Usage Limits count bytes; else they count objects. */
function countsBytes(object: ManagedObject): boolean {
  const value = object.attributes.find(({ name }) => name === 'Usage Limits')?.value;
  const items = value?.type === 'Structure' ? value.value : [];
  return items.find(({ tag }) => tag === Tag.UsageLimitsUnit)?.value === 1;
}

/** What the request says of parameters, else the object's own first ones, else none. */
export function parametersFor(
  object: ManagedObject,
  requested: Parameters | undefined,
  { version }: Context,
): Parameters {
  if (requested !== undefined) return requested;
  const own = object.attributes.find(({ name }) => name === 'Cryptographic Parameters');
  if (own === undefined) return {};
  const item: Item = { tag: Tag.CryptographicParameters, ...own.value };
  // They were stored by whatever version; a reader of an older one still means all of them.
  return cryptographicParameters.read(item, Math.max(version, 104));
}

/** A key that lies open; wiped when disposed. */
export interface OpenKey extends Disposable {
  readonly object: ManagedObject;
  readonly algorithm: CryptographicAlgorithm;
  readonly format: KeyFormatType;
  readonly material: Item;
  /** The bytes of a key that is bytes. Throws KmipError where it is not. */
  bytes(): Buffer;
  /** An asymmetric key. Throws KmipError where it is none, or cannot be computed with. */
  asymmetric(): KeyObject;
}

/**
 * Opens the key of an object. Throws KmipError: Key Value Not Present where the server was never
 * given it, Permission Denied where it lies here wrapped by a client.
 */
export async function openKey(object: ManagedObject, context: Context): Promise<OpenKey> {
  const { objectType, algorithm } = object;
  requirePresent(object);
  if (isWrapped(object)) throw wrongType();
  const format = formatOf(object);
  const opened = await context.keystore.open(object);
  try {
    const secret = decode(opened.bytes);
    const material = materialOf(secret);
    if (material === undefined || format === undefined) throw wrongType();
    return {
      object,
      algorithm: algorithm as CryptographicAlgorithm,
      format,
      material,
      bytes() {
        const bytes = rawBytes(material);
        if (bytes === undefined) throw wrongType();
        return bytes;
      },
      asymmetric() {
        const { PrivateKey, PublicKey } = ObjectType;
        if (objectType !== PrivateKey && objectType !== PublicKey) throw wrongType();
        const isPrivate = objectType === PrivateKey;
        return importKey({ isPrivate, algorithm: algorithm as never, format, material });
      },
      [Symbol.dispose]: () => {
        opened[Symbol.dispose]();
      },
    };
  } catch (error) {
    opened[Symbol.dispose]();
    throw error;
  }
}

/** Refuses an object of which only the attributes were registered (KMIP 1.4 §3.42). */
export function requirePresent({ hasMaterial }: ManagedObject): void {
  if (hasMaterial) return;
  throw new KmipError(ResultReason.KeyValueNotPresent, 'The key itself is not on this server');
}

/** The Key Format Type of an object that has a Key Block. */
export function formatOf(object: ManagedObject): KeyFormatType | undefined {
  const block = object.form.find(({ tag }) => tag === Tag.KeyBlock);
  const items = block?.type === 'Structure' ? block.value : [];
  const value = items.find(({ tag }) => tag === Tag.KeyFormatType)?.value;
  return typeof value === 'number' ? (value as KeyFormatType) : undefined;
}

/** Whether the key lies here as a client wrapped it, so that only the client can open it. */
export function isWrapped(object: ManagedObject): boolean {
  const block = object.form.find(({ tag }) => tag === Tag.KeyBlock);
  return block?.type === 'Structure' && block.value.some(({ tag }) => tag === Tag.KeyWrappingData);
}

/** Whether it is wrapped so that it cannot be read: under a MAC alone it lies open. */
export function isEncrypted(object: ManagedObject): boolean {
  const block = object.form.find(({ tag }) => tag === Tag.KeyBlock);
  if (block?.type !== 'Structure') return false;
  const wrapping = block.value.find(({ tag }) => tag === Tag.KeyWrappingData);
  if (wrapping?.type !== 'Structure') return false;
  const method = wrapping.value.find(({ tag }) => tag === Tag.WrappingMethod)?.value;
  return method !== WrappingMethod.MACSign;
}

function materialOf(secret: Item): Item | undefined {
  if (secret.type !== 'Structure') return undefined;
  return secret.value.find(({ tag }) => tag === Tag.KeyMaterial);
}

function rawBytes(material: Item): Buffer | undefined {
  if (material.type === 'ByteString') return bufferOf(material.value);
  if (material.type !== 'Structure') return undefined;
  const key = material.value.find(({ tag }) => tag === Tag.Key);
  return key?.type === 'ByteString' ? bufferOf(key.value) : undefined;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
