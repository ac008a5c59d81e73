import { Tpm } from '../tpm.ts';
import type { Vendor } from '../vendor.ts';
import { generic } from './generic.ts';

/** TPM 2.0 through tpm2-pkcs11. */
export const tpm2 = {
  ...generic,
  name: 'TPM 2.0',
  // 1.9.0 gives the TPM's own maker as manufacturer ("IBM" for swtpm) and "SW   TPM" as model.
  recognises: ({ manufacturer, model }) => /tpm/i.test(`${manufacturer} ${model}`),
  // RSA-3072 is optional for a TPM; 4096 is above what the library offers.
  modulusBits: [3072, 2048],
  // 1.9.0: once the TPM went away, every call and every new login answers CKR_GENERAL_ERROR until
  // C_Finalize; also after a third key in one login (CKR_GENERAL_ERROR 0x902 underneath).
  restartAfter: [0x05],
  // 1.9.0 finds CKA_ENCRYPT at odds with what the TPM says, makes no key and leaks a handle.
  refusedAttributes: [0x104],
  tpm: () => new Tpm(),
} as const satisfies Vendor;
