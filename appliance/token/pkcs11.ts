import { createPublicKey, constants, publicEncrypt, timingSafeEqual } from 'node:crypto';
import pkcs11js from 'pkcs11js';
import { vendorOf } from './catalog.ts';
import { TokenError } from './error.ts';
import type { TokenErrorCode } from './error.ts';
import type { OaepHash, RootKey, TokenStatus } from './token.ts';
import type { Vendor } from './vendor.ts';
import { generic } from './vendor/generic.ts';

/** CKZ_DATA_SPECIFIED (PKCS#11 2.40 §2.1.7); pkcs11js 2.1.7 does not export it. */
const dataSpecified = 1;

const codeOf: Readonly<Record<number, TokenErrorCode>> = {
  [pkcs11js.CKR_GENERAL_ERROR]: 'failed',
  [pkcs11js.CKR_DEVICE_ERROR]: 'restart-needed',
  [pkcs11js.CKR_DEVICE_REMOVED]: 'restart-needed',
  [pkcs11js.CKR_TOKEN_NOT_PRESENT]: 'restart-needed',
  [pkcs11js.CKR_SESSION_HANDLE_INVALID]: 'restart-needed',
  [pkcs11js.CKR_OPERATION_ACTIVE]: 'restart-needed',
  [pkcs11js.CKR_USER_NOT_LOGGED_IN]: 'pin-needed',
  [pkcs11js.CKR_PIN_INCORRECT]: 'pin-wrong',
  [pkcs11js.CKR_PIN_INVALID]: 'pin-wrong',
  [pkcs11js.CKR_PIN_LEN_RANGE]: 'pin-wrong',
  [pkcs11js.CKR_PIN_LOCKED]: 'pin-locked',
  [pkcs11js.CKR_MECHANISM_INVALID]: 'mechanism-missing',
};

interface Session {
  readonly slot: Buffer;
  readonly handle: Buffer;
}

/**
 * A token behind a vendor's PKCS#11 library, by its synchronous calls: the asynchronous ones of
 * pkcs11js 2.1.7 keep no reference to the buffers they use. Lives in the token process alone, for
 * a call blocks, and what a vendor's library does to a process is the vendor's affair.
 */
export class Pkcs11 {
  readonly #module: InstanceType<typeof pkcs11js.PKCS11>;
  readonly #label: string;
  readonly #random: (bytes: number) => Buffer;
  #vendor: Vendor = generic;
  #session: Session | undefined;
  #loggedIn = false;

  /**
   * Loads the library at `path` and initialises it. `label` names the token that is ours.
   * Throws TokenError `module-unusable`.
   */
  constructor(path: string, label: string, random: (bytes: number) => Buffer) {
    this.#label = label;
    this.#random = random;
    this.#module = new pkcs11js.PKCS11();
    try {
      this.#module.load(path);
      this.#module.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
    } catch (cause) {
      throw new TokenError('module-unusable', 'the PKCS#11 module cannot be used', ckr(cause), {
        cause,
      });
    }
  }

  status(): TokenStatus {
    return this.#guard(() => {
      const session = this.#open();
      return { ...this.#info(session.slot), loggedIn: this.#loggedIn };
    });
  }

  login(pin: Uint8Array): void {
    this.#guard(() => {
      const session = this.#open();
      if (this.#loggedIn) return;
      // pkcs11js takes a PIN as a string only; it lives until this process collects it.
      const text = Buffer.from(pin.buffer, pin.byteOffset, pin.byteLength).toString('utf8');
      this.#module.C_Login(session.handle, pkcs11js.CKU_USER, text);
      this.#loggedIn = true;
    });
  }

  provision(label: string, officerPin: Uint8Array, pin: Uint8Array): void {
    this.#guard(() => {
      const officer = Buffer.from(officerPin).toString('utf8');
      const slot = this.#module.C_GetSlotList(true).find((s) => !this.#initialised(s));
      if (slot === undefined) throw new TokenError('absent', 'there is no blank token');
      this.#module.C_InitToken(slot, officer, label.padEnd(32));
      // SoftHSM moves a token to another slot when it is initialised.
      const made = this.#find(label);
      if (made === undefined) throw new TokenError('failed', 'the new token is not there');
      const flags = pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION;
      const handle = this.#module.C_OpenSession(made, flags);
      try {
        this.#module.C_Login(handle, pkcs11js.CKU_SO, officer);
        this.#module.C_InitPIN(handle, Buffer.from(pin).toString('utf8'));
        this.#module.C_Logout(handle);
      } finally {
        this.#module.C_CloseSession(handle);
      }
    });
  }

  makeRootKey(label: string): RootKey {
    return this.#guard(() => {
      const id = this.#random(16);
      const { handle } = this.#openLoggedIn();
      let refusal: unknown;
      for (const bits of this.#vendor.modulusBits) {
        try {
          this.#generate(handle, bits, label, id);
          return this.#proven(id);
        } catch (error) {
          if (error instanceof TokenError) throw error;
          refusal = error;
        }
      }
      throw refusal;
    });
  }

  decrypt(id: Uint8Array, hash: OaepHash, ciphertext: Uint8Array): Buffer {
    return this.#guard(() => {
      const { handle } = this.#openLoggedIn();
      const key = this.#key(handle, pkcs11js.CKO_PRIVATE_KEY, id);
      return this.#oaep(handle, key, hash, ciphertext);
    });
  }

  #generate(session: Buffer, bits: number, label: string, id: Buffer): void {
    const shared = [
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_ID, value: id },
      { type: pkcs11js.CKA_LABEL, value: label },
    ];
    const publicTemplate = [
      ...shared,
      { type: pkcs11js.CKA_MODULUS_BITS, value: bits },
      { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
      { type: pkcs11js.CKA_ENCRYPT, value: true },
    ];
    const privateTemplate = [
      ...shared,
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_SENSITIVE, value: true },
      { type: pkcs11js.CKA_EXTRACTABLE, value: false },
      { type: pkcs11js.CKA_DECRYPT, value: true },
      { type: pkcs11js.CKA_SIGN, value: false },
    ];
    const taken = ({ type }: { type: number }): boolean =>
      !this.#vendor.refusedAttributes.includes(type);
    this.#module.C_GenerateKeyPair(
      session,
      { mechanism: pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN },
      publicTemplate.filter(taken),
      privateTemplate.filter(taken),
    );
  }

  /** The new key as another login sees it: some modules tell its attributes right only then. */
  #proven(id: Buffer): RootKey {
    const { handle } = this.#open();
    const key = this.#key(handle, pkcs11js.CKO_PRIVATE_KEY, id);
    const wanted = [
      [pkcs11js.CKA_SENSITIVE, 1],
      [pkcs11js.CKA_EXTRACTABLE, 0],
      [pkcs11js.CKA_LOCAL, 1],
    ] as const;
    for (const [type, value] of wanted) {
      const found = this.#module.C_GetAttributeValue(handle, key, [{ type }])[0]?.value;
      if (!Buffer.isBuffer(found) || found[0] !== value) {
        throw new TokenError('attribute-wrong', 'the token made a key that could leave it');
      }
    }
    const publicKey = this.#publicKey(handle, id);
    for (const hash of ['sha256', 'sha1'] as const) {
      if (this.#canDecrypt(handle, key, publicKey, hash)) return { id, publicKey, hash };
    }
    throw new TokenError('mechanism-missing', 'the token cannot decrypt RSA-OAEP');
  }

  #canDecrypt(session: Buffer, key: Buffer, spki: Buffer, hash: OaepHash): boolean {
    const sample = this.#random(32);
    const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    const sealed = publicEncrypt({ key: publicKey, padding, oaepHash: hash }, sample);
    try {
      const opened = this.#oaep(session, key, hash, sealed);
      return opened.length === sample.length && timingSafeEqual(opened, sample);
    } catch {
      // SoftHSM 2.6.1 answers CKR_ARGUMENTS_BAD to OAEP with SHA-256.
      return false;
    }
  }

  #oaep(session: Buffer, key: Buffer, hash: OaepHash, ciphertext: Uint8Array): Buffer {
    const parameter = {
      type: pkcs11js.CK_PARAMS_RSA_OAEP,
      hashAlg: hash === 'sha256' ? pkcs11js.CKM_SHA256 : pkcs11js.CKM_SHA_1,
      mgf: hash === 'sha256' ? pkcs11js.CKG_MGF1_SHA256 : pkcs11js.CKG_MGF1_SHA1,
      source: dataSpecified,
    };
    const mechanism = { mechanism: pkcs11js.CKM_RSA_PKCS_OAEP, parameter };
    this.#module.C_DecryptInit(session, mechanism, key);
    return this.#module.C_Decrypt(session, Buffer.from(ciphertext), Buffer.alloc(512));
  }

  #publicKey(session: Buffer, id: Uint8Array): Buffer {
    const key = this.#key(session, pkcs11js.CKO_PUBLIC_KEY, id);
    const [modulus, exponent] = this.#module.C_GetAttributeValue(session, key, [
      { type: pkcs11js.CKA_MODULUS },
      { type: pkcs11js.CKA_PUBLIC_EXPONENT },
    ]);
    const text = (value: unknown): string => {
      if (!Buffer.isBuffer(value)) throw new TokenError('failed', 'the public key is unreadable');
      return value.toString('base64url');
    };
    const jwk = { kty: 'RSA', n: text(modulus?.value), e: text(exponent?.value) };
    return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'spki' });
  }

  #key(session: Buffer, objectClass: number, id: Uint8Array): Buffer {
    this.#module.C_FindObjectsInit(session, [
      { type: pkcs11js.CKA_CLASS, value: objectClass },
      { type: pkcs11js.CKA_ID, value: Buffer.from(id) },
    ]);
    try {
      const [found] = this.#module.C_FindObjects(session, 1);
      if (found === undefined) throw new TokenError('key-missing', 'the root key is not there');
      return found;
    } finally {
      this.#module.C_FindObjectsFinal(session);
    }
  }

  #open(): Session {
    if (this.#session !== undefined) return this.#session;
    const slot = this.#find(this.#label);
    if (slot === undefined) throw new TokenError('absent', `there is no token "${this.#label}"`);
    this.#vendor = vendorOf(this.#info(slot));
    const flags = pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION;
    this.#session = { slot, handle: this.#module.C_OpenSession(slot, flags) };
    return this.#session;
  }

  /** Without a login a private key is not refused but hidden, and would look as if it were lost. */
  #openLoggedIn(): Session {
    const session = this.#open();
    if (!this.#loggedIn) throw new TokenError('pin-needed', 'the token wants its PIN first');
    return session;
  }

  #find(label: string): Buffer | undefined {
    return this.#module
      .C_GetSlotList(true)
      .find((slot) => this.#initialised(slot) && this.#info(slot).label === label);
  }

  #initialised(slot: Buffer): boolean {
    return (this.#module.C_GetTokenInfo(slot).flags & pkcs11js.CKF_TOKEN_INITIALIZED) !== 0;
  }

  #info(slot: Buffer): Omit<TokenStatus, 'loggedIn'> {
    const info = this.#module.C_GetTokenInfo(slot);
    const plain = (text: string): string => text.replaceAll('\0', ' ').trim();
    return {
      label: plain(info.label),
      manufacturer: plain(info.manufacturerID),
      model: plain(info.model),
      serial: plain(info.serialNumber),
    };
  }

  #guard<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      if (error instanceof TokenError) throw error;
      const value = ckr(error);
      const restart = value !== undefined && this.#vendor.restartAfter.includes(value);
      const code = restart ? 'restart-needed' : (codeOf[value ?? -1] ?? 'failed');
      throw new TokenError(code, 'the token refused', value, { cause: error });
    }
  }
}

function ckr(error: unknown): number | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}
