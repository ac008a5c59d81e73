import { anyItem, enumeration, required, structure } from '../ttlv/structure.ts';
import { CredentialType } from './enumeration.ts';
import { Tag } from './tag.ts';

/**
 * A credential is read and set aside: who a client is, its certificate alone says. vCenter sends a
 * name and a password with some operations and not with others, so they could never be required.
 */
export const credential = structure({
  credentialType: required(Tag.CredentialType, enumeration(CredentialType)),
  credentialValue: required(Tag.CredentialValue, anyItem),
});
