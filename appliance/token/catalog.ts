import type { Vendor } from './vendor.ts';
import { generic } from './vendor/generic.ts';
import { softhsm } from './vendor/softhsm.ts';
import { tpm2 } from './vendor/tpm2.ts';

/** Every vendor with a file of its own; the first that recognises the token counts. */
const vendors: readonly Vendor[] = [tpm2, softhsm, generic];

export function vendorOf(token: { manufacturer: string; model: string }): Vendor {
  return vendors.find((vendor) => vendor.recognises(token)) ?? generic;
}
