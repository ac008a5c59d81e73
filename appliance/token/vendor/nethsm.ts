import type { Vendor } from '../vendor.ts';
import { generic } from './generic.ts';

/** Nitrokey NetHSM through nethsm-pkcs11; over the network, which its token process needs then. */
export const nethsm = {
  ...generic,
  name: 'NetHSM',
  recognises: ({ model }) => /nethsm/i.test(model),
  // 2.2.0: an instance that cannot be reached is DEVICE_REMOVED, one that is locked after its own
  // boot TOKEN_NOT_PRESENT. The serial number reads "unknown" unless an administrator is set.
  reopenAfter: [0x32, 0xb3, 0xe0],
  // 2.2.0: C_InitToken is not supported. Making a key takes an administrator in p11nethsm.conf.
  setUpBy: 'nitropy nethsm',
  // 2.2.0 tells CKA_LOCAL false of every private key; none can leave the device.
  untoldAttributes: [0x163],
  // Before 2.1.0 a CKA_LABEL with a blank in it was refused, and a CKA_ID of other bytes than
  // letters and digits too.
  refusedAttributes: [0x03],
  keyId: (random) => Buffer.from(random.toString('hex')),
} as const satisfies Vendor;
