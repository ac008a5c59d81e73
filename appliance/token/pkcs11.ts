import { createPublicKey, constants, publicEncrypt, timingSafeEqual } from 'node:crypto';
import pkcs11js from 'pkcs11js';
import { vendorOf } from './catalog.ts';
import { TokenError } from './error.ts';
import type { TokenErrorCode } from './error.ts';
import { tokenInfoOf } from './token-info.ts';
import type { OaepHash, RootKey, TokenStatus } from './token.ts';
import type { Tpm } from './tpm.ts';
import type { Vendor } from './vendor.ts';
import { generic } from './vendor/generic.ts';

/** CKZ_DATA_SPECIFIED (PKCS#11 2.40 §2.1.7); pkcs11js 2.1.7 does not export it. */
const dataSpecified = 1;

/** So many calls in a row that failed for no known reason, and a new process has to try. */
const troublesMost = 3;

const codeOf: Readonly<Record<number, TokenErrorCode>> = {
  [pkcs11js.CKR_DEVICE_ERROR]: 'restart-needed',
  [pkcs11js.CKR_DEVICE_REMOVED]: 'restart-needed',
  [pkcs11js.CKR_TOKEN_NOT_PRESENT]: 'restart-needed',
  [pkcs11js.CKR_SESSION_HANDLE_INVALID]: 'restart-needed',
  [pkcs11js.CKR_SESSION_CLOSED]: 'restart-needed',
  [pkcs11js.CKR_OPERATION_ACTIVE]: 'restart-needed',
  [pkcs11js.CKR_CRYPTOKI_NOT_INITIALIZED]: 'restart-needed',
  [pkcs11js.CKR_USER_ALREADY_LOGGED_IN]: 'restart-needed',
  [pkcs11js.CKR_USER_NOT_LOGGED_IN]: 'pin-needed',
  [pkcs11js.CKR_PIN_INCORRECT]: 'pin-wrong',
  [pkcs11js.CKR_PIN_INVALID]: 'pin-wrong',
  [pkcs11js.CKR_PIN_LEN_RANGE]: 'pin-wrong',
  [pkcs11js.CKR_PIN_LOCKED]: 'pin-locked',
  [pkcs11js.CKR_MECHANISM_INVALID]: 'mechanism-missing',
};

/** What the token says no to without being broken. */
const refusals: readonly number[] = [
  pkcs11js.CKR_DATA_INVALID,
  pkcs11js.CKR_DATA_LEN_RANGE,
  pkcs11js.CKR_ENCRYPTED_DATA_INVALID,
  pkcs11js.CKR_ENCRYPTED_DATA_LEN_RANGE,
  pkcs11js.CKR_ARGUMENTS_BAD,
];

interface Session {
  readonly slot: Buffer;
  readonly handle: Buffer;
}

/** Which token is ours, among those that a library shows. */
export interface TokenChoice {
  readonly label: string;
  /** Also by its serial number, where all tokens of a maker bear one label. */
  readonly serial?: string | undefined;
}

/**
 * A token behind a vendor's PKCS#11 library, by its synchronous calls: the asynchronous ones of
 * pkcs11js 2.1.7 keep no reference to the buffers they use. Lives in the token process alone, for
 * a call blocks, and what a vendor's library does to a process is the vendor's affair.
 */
export class Pkcs11 {
  readonly #module: InstanceType<typeof pkcs11js.PKCS11>;
  readonly #choice: TokenChoice;
  readonly #random: (bytes: number) => Buffer;
  #vendor: Vendor = generic;
  #session: Session | undefined;
  /** The PIN that the token took, for as long as the login lasts; undefined without a login. */
  #pin: Buffer | undefined;
  #troubles = 0;

  /** Loads the library at `path` and initialises it. Throws TokenError `module-unusable`. */
  constructor(path: string, choice: TokenChoice, random: (bytes: number) => Buffer) {
    this.#choice = choice;
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
      const { slot } = this.#open();
      const info = this.#info(slot);
      const loggedIn = this.#pin !== undefined && this.#sessionIsUsers();
      // A card that another program reset forgets its login.
      if (!loggedIn) this.#forgetPin();
      return { ...info, vendor: this.#vendor.name, loggedIn };
    });
  }

  login(pin: Uint8Array): void {
    this.#guard(() => {
      this.#open();
      if (this.#pin !== undefined) return;
      // Not sent: a token that counts wrong PINs would count this one.
      if (!this.#vendor.isPin(pin)) {
        throw new TokenError('pin-wrong', `not a PIN of a ${this.#vendor.name}`);
      }
      this.#tryPin(Buffer.from(pin));
    });
  }

  /**
   * Logs out and in again with the PIN that the token took last: it gives back the room that keys
   * took, and new keys tell their attributes right.
   */
  relogin(): void {
    this.#guard(() => {
      this.#loginAgain();
    });
  }

  provision(label: string, officerPin: Uint8Array, pin: Uint8Array): void {
    this.#guard(() => {
      const officer = Buffer.from(officerPin).toString('utf8');
      const slot = this.#module.C_GetSlotList(true).find((s) => !this.#initialised(s));
      if (slot === undefined) throw this.#noBlankToken();
      this.#initialise(slot, officer, label);
      // SoftHSM moves a token to another slot when it is initialised.
      const made = this.#find({ label });
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

  /** What PKCS#11 has no call for; undefined where the token has nothing of it. */
  tpm(): Tpm | undefined {
    return this.#guard(() => {
      this.#open();
      return this.#vendor.tpm?.();
    });
  }

  /** Logs out and forgets the PIN. */
  logout(): void {
    if (this.#pin === undefined) return;
    this.#guard(() => {
      this.#endLogin();
    });
  }

  makeRootKey(label: string, wanted?: Uint8Array): RootKey {
    return this.#guard(() => {
      const { handle } = this.#openLoggedIn();
      // tpm2-pkcs11 without a resource manager has room for two keys in one login.
      this.#loginAgain();
      const id = this.#vendor.keyId(wanted === undefined ? this.#random(16) : Buffer.from(wanted));
      this.#generateLongest(handle, label, id);
      this.#loginAgain();
      return this.#proven(id);
    });
  }

  destroyRootKey(id: Uint8Array): boolean {
    return this.#guard(() => {
      const { handle } = this.#openLoggedIn();
      let found = false;
      for (const objectClass of [pkcs11js.CKO_PRIVATE_KEY, pkcs11js.CKO_PUBLIC_KEY]) {
        for (;;) {
          const key = this.#object(handle, objectClass, id);
          if (key === undefined) break;
          this.#module.C_DestroyObject(handle, key);
          found = true;
        }
      }
      // tpm2-pkcs11 1.9.0 keeps the place in the TPM that the destroyed key had until a logout.
      this.#loginAgain();
      return found;
    });
  }

  decrypt(id: Uint8Array, hash: OaepHash, ciphertext: Uint8Array): Buffer {
    return this.#guard(() => {
      const { handle } = this.#openLoggedIn();
      const key = this.#key(handle, pkcs11js.CKO_PRIVATE_KEY, id);
      return this.#oaep(handle, key, hash, ciphertext);
    });
  }

  /** Ends the login and lets the library go; nothing may be called afterwards. */
  close(): void {
    this.#forgetPin();
    this.#dropSessions();
    try {
      this.#module.C_Finalize();
    } catch {
      // It never came up, or does not go down: the process ends.
    }
  }

  /** Ends every session, and with them the login, as far as the token can still be asked. */
  #dropSessions(): void {
    if (this.#session === undefined) return;
    try {
      this.#module.C_CloseAllSessions(this.#session.slot);
    } catch {
      // The token is gone, and its sessions with it.
    }
    this.#session = undefined;
  }

  #tryPin(pin: Buffer): void {
    const session = this.#open();
    try {
      // pkcs11js takes a PIN as a string only; it lives until this process collects it.
      this.#module.C_Login(session.handle, pkcs11js.CKU_USER, pin.toString('utf8'));
      this.#pin = pin;
    } catch (error) {
      pin.fill(0);
      throw error;
    }
  }

  #loginAgain(): void {
    this.#openLoggedIn();
    const pin = Buffer.from(this.#pin ?? []);
    try {
      this.#endLogin();
    } catch (error) {
      pin.fill(0);
      throw error;
    }
    this.#tryPin(pin);
  }

  /** A token that will not log out loses its sessions: an unknown login helps nobody. */
  #endLogin(): void {
    const { handle } = this.#open();
    this.#forgetPin();
    try {
      this.#module.C_Logout(handle);
    } catch (error) {
      this.#dropSessions();
      throw error;
    }
  }

  #forgetPin(): void {
    this.#pin?.fill(0);
    this.#pin = undefined;
  }

  /** CKS_RO_USER_FUNCTIONS, CKS_RW_USER_FUNCTIONS (PKCS#11 2.40 §3.3). */
  #sessionIsUsers(): boolean {
    const { state } = this.#module.C_GetSessionInfo(this.#open().handle);
    return state === 1 || state === 3;
  }

  #initialise(slot: Buffer, officerPin: string, label: string): void {
    try {
      this.#module.C_InitToken(slot, officerPin, label.padEnd(32));
    } catch (error) {
      const { setUpBy }: Vendor = vendorOf(this.#info(slot));
      const unsupported = ckr(error) === pkcs11js.CKR_FUNCTION_NOT_SUPPORTED;
      throw unsupported && setUpBy !== undefined ? setUpElsewhere(setUpBy) : error;
    }
  }

  #noBlankToken(): TokenError {
    const vendors = this.#module.C_GetSlotList(true).map((slot) => vendorOf(this.#info(slot)));
    const setUpBy = vendors.find((vendor) => vendor.setUpBy !== undefined)?.setUpBy;
    if (setUpBy !== undefined) return setUpElsewhere(setUpBy);
    return new TokenError('absent', 'there is no blank token');
  }

  #generateLongest(session: Buffer, label: string, id: Buffer): void {
    const { modulusBits } = this.#vendor;
    for (const bits of modulusBits) {
      try {
        this.#generate(session, bits, label, id);
        return;
      } catch (error) {
        if (bits === modulusBits.at(-1) || !isAboutLength(error)) throw error;
      }
    }
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

  /** The new key as another login sees it: OpenSC 0.23 tells its attributes right only then. */
  #proven(id: Buffer): RootKey {
    const { handle } = this.#open();
    const key = this.#key(handle, pkcs11js.CKO_PRIVATE_KEY, id);
    const wanted = [
      [pkcs11js.CKA_SENSITIVE, 1],
      [pkcs11js.CKA_EXTRACTABLE, 0],
      [pkcs11js.CKA_LOCAL, 1],
    ] as const;
    for (const [type, value] of wanted) {
      if (this.#vendor.untoldAttributes.includes(type)) continue;
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
    const found = this.#object(session, objectClass, id);
    if (found === undefined) throw new TokenError('key-missing', 'the root key is not there');
    return found;
  }

  #object(session: Buffer, objectClass: number, id: Uint8Array): Buffer | undefined {
    this.#module.C_FindObjectsInit(session, [
      { type: pkcs11js.CKA_CLASS, value: objectClass },
      { type: pkcs11js.CKA_ID, value: Buffer.from(id) },
    ]);
    try {
      return this.#module.C_FindObjects(session, 1)[0];
    } finally {
      this.#module.C_FindObjectsFinal(session);
    }
  }

  #open(): Session {
    if (this.#session !== undefined) return this.#session;
    const slot = this.#find(this.#choice);
    if (slot === undefined) {
      const { label, serial = '' } = this.#choice;
      throw new TokenError('absent', `there is no token "${label}" ${serial}`.trim());
    }
    this.#vendor = vendorOf(this.#info(slot));
    const flags = pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION;
    this.#session = { slot, handle: this.#module.C_OpenSession(slot, flags) };
    return this.#session;
  }

  /** Without a login a private key is not refused but hidden, and would look as if it were lost. */
  #openLoggedIn(): Session {
    const session = this.#open();
    if (this.#pin === undefined)
      throw new TokenError('pin-needed', 'the token wants its PIN first');
    return session;
  }

  #find({ label, serial }: TokenChoice): Buffer | undefined {
    return this.#module.C_GetSlotList(true).find((slot) => {
      if (!this.#initialised(slot)) return false;
      const info = this.#info(slot);
      return info.label === label && (serial === undefined || info.serial === serial);
    });
  }

  #initialised(slot: Buffer): boolean {
    return (this.#module.C_GetTokenInfo(slot).flags & pkcs11js.CKF_TOKEN_INITIALIZED) !== 0;
  }

  #info(slot: Buffer): Omit<TokenStatus, 'loggedIn' | 'vendor'> {
    return tokenInfoOf(this.#module.C_GetTokenInfo(slot));
  }

  #guard<T>(call: () => T): T {
    try {
      const value = call();
      this.#troubles = 0;
      return value;
    } catch (error) {
      if (error instanceof TokenError) throw error;
      const value = ckr(error);
      throw new TokenError(this.#codeOf(value), 'the token refused', value, { cause: error });
    }
  }

  /** What a return value means here; sessions and logins that it ended are forgotten. */
  #codeOf(value = -1): TokenErrorCode {
    if (this.#vendor.restartAfter.includes(value)) return 'restart-needed';
    if (this.#vendor.reopenAfter.includes(value)) {
      this.#forgetPin();
      this.#dropSessions();
      return value === pkcs11js.CKR_SESSION_HANDLE_INVALID ? 'session-lost' : 'absent';
    }
    const code = codeOf[value] ?? 'failed';
    if (code === 'pin-needed') this.#forgetPin();
    if (code !== 'failed' || refusals.includes(value)) return code;
    return ++this.#troubles < troublesMost ? 'failed' : 'restart-needed';
  }
}

function setUpElsewhere(program: string): TokenError {
  return new TokenError('set-up-elsewhere', `this token is set up by ${program}`);
}

/** Refusals that a shorter key may get round. */
function isAboutLength(error: unknown): boolean {
  const value = ckr(error);
  return (
    value !== undefined &&
    [
      pkcs11js.CKR_KEY_SIZE_RANGE,
      pkcs11js.CKR_ATTRIBUTE_VALUE_INVALID,
      pkcs11js.CKR_TEMPLATE_INCONSISTENT,
      pkcs11js.CKR_MECHANISM_PARAM_INVALID,
      pkcs11js.CKR_DOMAIN_PARAMS_INVALID,
      pkcs11js.CKR_FUNCTION_FAILED,
      pkcs11js.CKR_GENERAL_ERROR,
    ].includes(value)
  );
}

function ckr(error: unknown): number | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'number') return code;
  // pkcs11js 2.1.7 leaves what C_FindObjects answered in the text: "CKR_DEVICE_REMOVED:50".
  const value = typeof message === 'string' ? /^CKR_\w+:(\d+)/.exec(message)?.[1] : undefined;
  return value === undefined ? undefined : Number(value);
}
