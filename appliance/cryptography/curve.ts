import { generateKeyPairSync } from 'node:crypto';
import { RecommendedCurve } from '../kmip/enumeration.ts';
import { derSequence } from './der.ts';
import { unsupported } from './parameters.ts';

const C = RecommendedCurve;

/** OpenSSL's names of the curves that it computes on, and the bits of their keys. */
const curves: Readonly<Partial<Record<number, readonly [name: string, bits: number]>>> = {
  [C.P_192]: ['prime192v1', 192],
  [C.K_163]: ['sect163k1', 163],
  [C.B_163]: ['sect163r2', 163],
  [C.P_224]: ['secp224r1', 224],
  [C.K_233]: ['sect233k1', 233],
  [C.B_233]: ['sect233r1', 233],
  [C.P_256]: ['prime256v1', 256],
  [C.K_283]: ['sect283k1', 283],
  [C.B_283]: ['sect283r1', 283],
  [C.P_384]: ['secp384r1', 384],
  [C.K_409]: ['sect409k1', 409],
  [C.B_409]: ['sect409r1', 409],
  [C.P_521]: ['secp521r1', 521],
  [C.K_571]: ['sect571k1', 571],
  [C.B_571]: ['sect571r1', 571],
  [C.SECP192K1]: ['secp192k1', 192],
  [C.SECP224K1]: ['secp224k1', 224],
  [C.SECP256K1]: ['secp256k1', 256],
  [C.BRAINPOOLP160R1]: ['brainpoolP160r1', 160],
  [C.BRAINPOOLP192R1]: ['brainpoolP192r1', 192],
  [C.BRAINPOOLP224R1]: ['brainpoolP224r1', 224],
  [C.BRAINPOOLP256R1]: ['brainpoolP256r1', 256],
  [C.BRAINPOOLP320R1]: ['brainpoolP320r1', 320],
  [C.BRAINPOOLP384R1]: ['brainpoolP384r1', 384],
  [C.BRAINPOOLP512R1]: ['brainpoolP512r1', 512],
};

/** The curve that a length alone means. */
const byLength: Readonly<Record<number, RecommendedCurve>> = {
  192: C.P_192,
  224: C.P_224,
  256: C.P_256,
  384: C.P_384,
  521: C.P_521,
};

export function curveOfLength(bits: number): RecommendedCurve | undefined {
  return byLength[bits];
}

/** OpenSSL's name of a curve. Throws KmipError Unsupported Cryptographic Parameters. */
export function curveName(curve: RecommendedCurve): string {
  const name = curves[curve]?.[0];
  if (name === undefined) throw unsupported('This curve is not computed here');
  return name;
}

export function curveBits(curve: RecommendedCurve): number | undefined {
  return { [C.CURVE25519]: 256, [C.CURVE448]: 448 }[curve as number] ?? curves[curve]?.[1];
}

export function curveByName(name: string | undefined): RecommendedCurve | undefined {
  const found = Object.entries(curves).find(([, curve]) => curve?.[0] === name);
  return found === undefined ? undefined : (Number(found[0]) as RecommendedCurve);
}

const identifiers = new Map<string, Buffer>();

/** The object identifier of a curve in DER, read once out of a key that OpenSSL made. */
export function curveIdentifier(name: string): Buffer {
  const known = identifiers.get(name);
  if (known !== undefined) return known;
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: name });
  const [algorithm] = derSequence(publicKey.export({ format: 'der', type: 'spki' }));
  // AlgorithmIdentifier: id-ecPublicKey (9 bytes), then the curve (RFC 5480 §2.1).
  const identifier = Buffer.from(algorithm?.body.subarray(9) ?? []);
  identifiers.set(name, identifier);
  return identifier;
}
