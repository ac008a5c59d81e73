import type { Vendor } from '../vendor.ts';

/** Any module that keeps to the standard and has RSA-OAEP decryption. */
export const generic = {
  name: 'PKCS#11',
  recognises: () => true,
  modulusBits: [3072, 2048],
  restartAfter: [],
  refusedAttributes: [],
} as const satisfies Vendor;
