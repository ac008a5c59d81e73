import type { Vendor } from './vendor.ts';
import { generic } from './vendor/generic.ts';
import { nethsm } from './vendor/nethsm.ts';
import { smartcardHsm } from './vendor/smartcard-hsm.ts';
import { softhsm } from './vendor/softhsm.ts';
import { tpm2 } from './vendor/tpm2.ts';
import { yubihsm } from './vendor/yubihsm.ts';

/** Every vendor with a file of its own; the first that recognises the token counts. */
const vendors: readonly Vendor[] = [tpm2, softhsm, smartcardHsm, yubihsm, nethsm, generic];

export function vendorOf(token: { manufacturer: string; model: string }): Vendor {
  return vendors.find((vendor) => vendor.recognises(token)) ?? generic;
}
