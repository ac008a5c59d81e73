import { isDeepStrictEqual } from 'node:util';
import { decryption, encryption } from '../cryptography/cipher.ts';
import type { CipherSetting } from '../cryptography/cipher.ts';
import { mac, sameMac } from '../cryptography/mac.ts';
import type { Parameters } from '../cryptography/parameters.ts';
import { rsaDecrypt, rsaEncrypt } from '../cryptography/rsa.ts';
import { isSignature, signature } from '../cryptography/signature.ts';
import { cryptographicParameters } from '../kmip/attribute-structure.ts';
import { BlockCipherMode, CryptographicAlgorithm, LinkType } from '../kmip/enumeration.ts';
import { ObjectType, PaddingMethod, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { optional, required, structure } from '../ttlv/structure.ts';
import type { Decoded } from '../ttlv/structure.ts';
import { isDestroyed } from '../keystore/imported.ts';
import { openKey, parametersFor, requireUse, spendUse } from './key-use.ts';
import { linked } from './link.ts';
import type { Context } from './operation.ts';

/** Encryption Key Information, MAC/Signature Key Information (KMIP 1.4 §2.1.5). */
export const keyInformation = structure({
  uniqueIdentifier: required(Tag.UniqueIdentifier, identifier),
  cryptographicParameters: optional(Tag.CryptographicParameters, cryptographicParameters),
});

export type KeyInformation = Decoded<typeof keyInformation>;

/** The wrapping key: looked up as a Get of it would be, but named by its own reason. */
function wrappingKey(identifier: string, context: Context): ManagedObject {
  const { SymmetricKey, PublicKey, PrivateKey } = ObjectType;
  try {
    const object = context.target(context.keystore, identifier);
    if (isDestroyed(object)) throw new KmipError(ResultReason.ObjectDestroyed, 'No such key');
    if ([SymmetricKey, PublicKey, PrivateKey].some((type) => type === object.objectType)) {
      return object;
    }
  } catch (error) {
    if (!(error instanceof KmipError)) throw error;
    const { ObjectArchived, ObjectDestroyed } = ResultReason;
    const { WrappingObjectArchived, WrappingObjectDestroyed } = ResultReason;
    if (error.reason === ObjectArchived) {
      throw new KmipError(WrappingObjectArchived, 'The wrapping key is in the archive');
    }
    const destroyed = error.reason === ObjectDestroyed;
    const reason = destroyed ? WrappingObjectDestroyed : ResultReason.WrappingObjectNotFound;
    throw new KmipError(reason, 'No such wrapping key');
  }
  throw new KmipError(ResultReason.IllegalObjectType, 'The wrapping object is not a key');
}

/** Encrypts under the wrapping key. Throws KmipError where it may not or cannot. */
export async function seal(
  clear: Buffer,
  information: KeyInformation,
  context: Context,
): Promise<{ readonly data: Buffer; readonly iv?: Buffer }> {
  const object = wrappingKey(information.uniqueIdentifier, context);
  requireOwnParameters(object, information, context);
  requireUse(object, 'WrapKey', context);
  const parameters = withDefault(
    parametersFor(object, information.cryptographicParameters, context),
    object,
  );
  await spendUse(object, clear.length, 1, context);
  using key = await openKey(object, context);
  if (object.objectType === ObjectType.PublicKey) {
    return { data: rsaEncrypt(key.asymmetric(), parameters, clear, context.random) };
  }
  const setting = settingOf(key.bytes(), object, parameters, context);
  const work = encryption({ ...setting, parameters: { ...parameters, randomIV: true } });
  const data = Buffer.concat([work.update(clear), work.final(), work.tag() ?? Buffer.alloc(0)]);
  return work.iv === undefined ? { data } : { data, iv: work.iv };
}

/** Decrypts what `seal` made. Throws KmipError where the key may not or does not fit. */
export async function open(
  sealed: Uint8Array,
  information: KeyInformation,
  iv: Uint8Array | undefined,
  context: Context,
): Promise<Buffer> {
  const object = wrappingKey(information.uniqueIdentifier, context);
  requireUse(object, 'UnwrapKey', context);
  const parameters = withDefault(
    parametersFor(object, information.cryptographicParameters, context),
    object,
  );
  using key = await openKey(object, context);
  if (object.objectType === ObjectType.PrivateKey) {
    return rsaDecrypt(key.asymmetric(), parameters, sealed);
  }
  const setting = settingOf(key.bytes(), object, parameters, context);
  const work = decryption({ ...setting, tagBehind: true, ...(iv === undefined ? {} : { iv }) });
  return Buffer.concat([work.update(sealed), work.final()]);
}

function settingOf(
  key: Buffer,
  object: ManagedObject,
  parameters: Parameters,
  { random }: Context,
): CipherSetting {
  return { algorithm: object.algorithm as CryptographicAlgorithm, key, parameters, random };
}

/** AES keys wrap by NIST SP 800-38F, RSA keys by OAEP, unless anybody says otherwise. */
function withDefault(parameters: Parameters, { algorithm }: ManagedObject): Parameters {
  if (algorithm === CryptographicAlgorithm.AES && parameters.blockCipherMode === undefined) {
    return { ...parameters, blockCipherMode: BlockCipherMode.NISTKeyWrap };
  }
  if (algorithm === CryptographicAlgorithm.RSA && parameters.paddingMethod === undefined) {
    return { ...parameters, paddingMethod: PaddingMethod.OAEP };
  }
  return parameters;
}

/**
 * Parameters that are asked for have to be among the key's own (KMIP 1.4 §2.1.6): which modes a key
 * wraps in is said where it is made. Throws KmipError Bad Cryptographic Parameters.
 */
function requireOwnParameters(
  { attributes }: ManagedObject,
  { cryptographicParameters: asked }: KeyInformation,
  { version }: Context,
): void {
  if (asked === undefined) return;
  const own = attributes.filter(({ name }) => name === 'Cryptographic Parameters');
  const fits = own.some(({ value }) => {
    const item = { tag: Tag.CryptographicParameters, ...value };
    const said: Readonly<Record<string, unknown>> = cryptographicParameters.read(
      item,
      Math.max(version, 104),
    );
    return Object.entries(asked).every(([name, each]) => isDeepStrictEqual(said[name], each));
  });
  if (fits) return;
  const message = 'The Cryptographic Parameters are not among those of the key';
  throw new KmipError(ResultReason.BadCryptographicParameters, message);
}

/** The MAC of a symmetric key, or the signature of a private one, over bytes. */
export async function authenticate(
  data: Uint8Array,
  information: KeyInformation,
  context: Context,
): Promise<Buffer> {
  const object = wrappingKey(information.uniqueIdentifier, context);
  const parameters = parametersFor(object, information.cryptographicParameters, context);
  requireOwnParameters(object, information, context);
  const signs = object.objectType === ObjectType.PrivateKey;
  requireUse(object, signs ? 'Sign' : 'MACGenerate', context);
  await spendUse(object, data.length, 1, context);
  using key = await openKey(object, context);
  if (signs) return signature(key.asymmetric(), parameters, { data });
  return codeOf(data, key.bytes(), object, parameters);
}

/** Refuses bytes whose MAC or signature is another: KmipError Cryptographic Failure. */
export async function requireAuthentic(
  data: Uint8Array,
  code: Uint8Array | undefined,
  information: KeyInformation,
  context: Context,
): Promise<void> {
  const named = wrappingKey(information.uniqueIdentifier, context);
  const parameters = parametersFor(named, information.cryptographicParameters, context);
  const object = named.objectType === ObjectType.PrivateKey ? verifier(named, context) : named;
  const verifies = object.objectType === ObjectType.PublicKey;
  requireUse(object, verifies ? 'Verify' : 'MACVerify', context);
  using key = await openKey(object, context);
  const right =
    code !== undefined &&
    (verifies
      ? isSignature(key.asymmetric(), parameters, { data }, code)
      : sameMac(code, codeOf(data, key.bytes(), object, parameters)));
  if (right) return;
  const message = 'The key is not what its MAC or signature is of';
  throw new KmipError(ResultReason.CryptographicFailure, message);
}

/** A private key may stand for its public one (KMIP 1.4 §2.1.5). */
function verifier(object: ManagedObject, context: Context): ManagedObject {
  const other = linked(object, LinkType.PublicKeyLink);
  if (other === undefined) {
    throw new KmipError(ResultReason.WrappingObjectNotFound, 'No such public key');
  }
  return wrappingKey(other, context);
}

function codeOf(
  data: Uint8Array,
  key: Buffer,
  { algorithm }: ManagedObject,
  parameters: Parameters,
): Buffer {
  const used = algorithm as CryptographicAlgorithm;
  const block = used === CryptographicAlgorithm.AES || used === CryptographicAlgorithm.DES3;
  const unsaid = block && parameters.hashingAlgorithm === undefined;
  // A cipher's key makes a CMAC, unless anybody says otherwise.
  const chosen = unsaid ? { ...parameters, blockCipherMode: BlockCipherMode.CMAC } : parameters;
  const work = mac({ algorithm: used, key, parameters: chosen });
  work.update(data);
  return work.final();
}
