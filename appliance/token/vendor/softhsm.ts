import type { Vendor } from '../vendor.ts';
import { generic } from './generic.ts';

/** SoftHSM 2.6: for trials and tests; its keys are files. OAEP with SHA-1 only (2.6.1). */
export const softhsm = {
  ...generic,
  name: 'SoftHSM',
  recognises: ({ manufacturer }) => /softhsm/i.test(manufacturer),
} as const satisfies Vendor;
