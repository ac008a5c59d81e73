import type { Vendor } from '../vendor.ts';
import { generic } from './generic.ts';

/** YubiHSM 2 through yubihsm_pkcs11. It counts no wrong PINs, and its officer's role is none. */
export const yubihsm = {
  ...generic,
  name: 'YubiHSM 2',
  // 2.8.0: manufacturer "Yubico (www.yubico.com)"; label and model are always "YubiHSM", so that a
  // second one is told by its serial number.
  recognises: ({ manufacturer, model }) => /yubi/i.test(manufacturer) && /yubihsm/i.test(model),
  // 2.8.0: a connector that cannot be reached is DEVICE_REMOVED, one without a device
  // TOKEN_NOT_PRESENT, a session that the device has forgotten SESSION_CLOSED.
  reopenAfter: [0x32, 0xb0, 0xb3, 0xe0],
  // 2.8.0: C_InitToken and C_InitPIN are CKR_FUNCTION_NOT_SUPPORTED.
  setUpBy: 'yubihsm-setup',
  // 2.8.0: the authentication key's id in 4 hexadecimal digits, then its password of 8 to 64
  // characters; another length is CKR_ARGUMENTS_BAD.
  isPin: (pin) => /^[\da-f]{4}[^]{8,64}$/i.test(Buffer.from(pin).toString('latin1')),
} as const satisfies Vendor;
