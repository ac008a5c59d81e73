import type { Vendor } from '../vendor.ts';

/** SoftHSM 2.6: for trials and tests; its keys are files. OAEP with SHA-1 only (2.6.1). */
export const softhsm = {
  name: 'SoftHSM',
  recognises: ({ manufacturer }) => /softhsm/i.test(manufacturer),
  modulusBits: [3072, 2048],
  restartAfter: [],
  refusedAttributes: [],
} as const satisfies Vendor;
