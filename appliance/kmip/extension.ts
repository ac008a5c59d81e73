/**
 * Cryptographic Algorithms that KMIP 2.1 has no numbers for: in the vendors' range 8XXXXXXX, which
 * its tables leave free. Query names them (Extension List, Extension Map), so that a client need
 * not know them beforehand. What they are: FIPS 203 and FIPS 204.
 */
export const ExtensionAlgorithm = {
  ML_KEM_512: 0x80544c01,
  ML_KEM_768: 0x80544c02,
  ML_KEM_1024: 0x80544c03,
  ML_DSA_44: 0x80544c11,
  ML_DSA_65: 0x80544c12,
  ML_DSA_87: 0x80544c13,
} as const;

export type ExtensionAlgorithm = (typeof ExtensionAlgorithm)[keyof typeof ExtensionAlgorithm];

/** What an algorithm is called, and the bits of its public key, which is its length here. */
export const extensionAlgorithms: readonly {
  readonly algorithm: ExtensionAlgorithm;
  readonly name: string;
  readonly publicBits: number;
  readonly use: string;
}[] = [
  kem(ExtensionAlgorithm.ML_KEM_512, 'ML-KEM-512', 800),
  kem(ExtensionAlgorithm.ML_KEM_768, 'ML-KEM-768', 1184),
  kem(ExtensionAlgorithm.ML_KEM_1024, 'ML-KEM-1024', 1568),
  dsa(ExtensionAlgorithm.ML_DSA_44, 'ML-DSA-44', 1312),
  dsa(ExtensionAlgorithm.ML_DSA_65, 'ML-DSA-65', 1952),
  dsa(ExtensionAlgorithm.ML_DSA_87, 'ML-DSA-87', 2592),
];

type Row = (typeof extensionAlgorithms)[number];

function kem(algorithm: ExtensionAlgorithm, name: string, bytes: number): Row {
  return { algorithm, name, publicBits: bytes * 8, use: 'key encapsulation (FIPS 203)' };
}

function dsa(algorithm: ExtensionAlgorithm, name: string, bytes: number): Row {
  return { algorithm, name, publicBits: bytes * 8, use: 'signatures (FIPS 204)' };
}

export function extensionAlgorithm(algorithm: number): Row | undefined {
  return extensionAlgorithms.find((each) => each.algorithm === algorithm);
}
