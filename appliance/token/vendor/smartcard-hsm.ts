import type { Vendor } from '../vendor.ts';
import { generic } from './generic.ts';

/** SmartCard-HSM 4K and Nitrokey HSM 2 through OpenSC. Three wrong PINs lock it. */
export const smartcardHsm = {
  ...generic,
  name: 'SmartCard-HSM',
  // 0.23 to 0.26: manufacturer "www.CardContact.de", model "PKCS#15 emulated"; every one of them
  // has the label "SmartCard-HSM (UserPIN)", so that a second one is told by its serial number.
  recognises: ({ manufacturer }) => /cardcontact/i.test(manufacturer),
  // 4096 takes the card minutes, which is beyond any deadline.
  modulusBits: [3072, 2048],
  // 0.23: after a pull DEVICE_REMOVED once, then SESSION_HANDLE_INVALID; put in again, a session
  // opens without C_Finalize. A reader that went with its card is TOKEN_NOT_PRESENT, and a card
  // that another program reset is USER_NOT_LOGGED_IN.
  reopenAfter: [0x32, 0xb3, 0xe0],
  // 0.23 takes C_InitToken only where opensc.conf allows it; sc-hsm-tool also sets the DKEK, which
  // has to be there before the first key if the card is to be copied.
  setUpBy: 'sc-hsm-tool --initialize',
  // 6 to 15 digits; the officer's has 16 hexadecimal ones.
  isPin: (pin) => /^\d{6,15}$/.test(Buffer.from(pin).toString('latin1')),
} as const satisfies Vendor;
