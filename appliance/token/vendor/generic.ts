import type { Vendor } from '../vendor.ts';

/** Any module that keeps to the standard and has RSA-OAEP decryption. */
export const generic = {
  name: 'PKCS#11',
  recognises: () => true,
  modulusBits: [3072, 2048],
  restartAfter: [],
  // What a module has to do after the loss of a session it may not do: a new process is sure.
  reopenAfter: [],
  refusedAttributes: [],
  untoldAttributes: [],
  isPin: (pin) => pin.length > 0,
  keyId: (random) => random,
} as const satisfies Vendor;
