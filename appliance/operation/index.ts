import { activate } from './activate.ts';
import { adjustAttribute } from './adjust-attribute.ts';
import { setAttribute } from './set-attribute.ts';
import { addAttribute } from './add-attribute.ts';
import { cancel } from './cancel.ts';
import { check } from './check.ts';
import { create } from './create.ts';
import { deleteAttribute } from './delete-attribute.ts';
import { destroy } from './destroy.ts';
import { discoverVersions } from './discover-versions.ts';
import { getAttributeList } from './get-attribute-list.ts';
import { getAttributes } from './get-attributes.ts';
import { get } from './get.ts';
import { locate } from './locate.ts';
import { modifyAttribute } from './modify-attribute.ts';
import { decrypt } from './decrypt.ts';
import { encrypt } from './encrypt.ts';
import { hash } from './hash.ts';
import { macVerify } from './mac-verify.ts';
import { mac } from './mac.ts';
import { rngRetrieve } from './rng-retrieve.ts';
import { rngSeed } from './rng-seed.ts';
import { sign } from './sign.ts';
import { signatureVerify } from './signature-verify.ts';
import type { OperationDefinition } from './operation.ts';
import { poll } from './poll.ts';
import { query } from './query.ts';
import { register } from './register.ts';
import { revoke } from './revoke.ts';

/** Every operation the server performs: what is not here does not exist, for Query too. */
export const operations: readonly OperationDefinition[] = [
  create,
  register,
  locate,
  check,
  get,
  getAttributes,
  getAttributeList,
  addAttribute,
  modifyAttribute,
  deleteAttribute,
  setAttribute,
  adjustAttribute,
  activate,
  revoke,
  destroy,
  query,
  discoverVersions,
  poll,
  cancel,
  encrypt,
  decrypt,
  sign,
  signatureVerify,
  mac,
  macVerify,
  rngRetrieve,
  rngSeed,
  hash,
];
