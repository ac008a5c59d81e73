import { activate } from './activate.ts';
import { adjustAttribute } from './adjust-attribute.ts';
import { setAttribute } from './set-attribute.ts';
import { addAttribute } from './add-attribute.ts';
import { cancel } from './cancel.ts';
import { check } from './check.ts';
import { createKeyPair } from './create-key-pair.ts';
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
import { archive } from './archive.ts';
import { recover } from './recover.ts';
import { obtainLease } from './obtain-lease.ts';
import { getUsageAllocation } from './get-usage-allocation.ts';
import { reKey } from './re-key.ts';
import { reKeyKeyPair } from './re-key-key-pair.ts';
import { certify } from './certify.ts';
import { reCertify } from './re-certify.ts';
import { createSplitKey } from './create-split-key.ts';
import { joinSplitKey } from './join-split-key.ts';
import { ping } from './ping.ts';
import { log } from './log.ts';
import { interop } from './interop.ts';
import { deriveKey } from './derive-key.ts';
import { validate } from './validate.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { delegatedLogin } from './delegated-login.ts';
import { getConstraints } from './get-constraints.ts';
import { setConstraints } from './set-constraints.ts';
import { setDefaults } from './set-defaults.ts';
import { process } from './process.ts';
import { setEndpointRole } from './set-endpoint-role.ts';
import type { OperationDefinition } from './operation.ts';
import { poll } from './poll.ts';
import { query } from './query.ts';
import { queryAsynchronousRequests } from './query-asynchronous-requests.ts';
import { exportObject } from './export.ts';
import { importObject } from './import.ts';
import { register } from './register.ts';
import { revoke } from './revoke.ts';

/** Every operation the server performs: what is not here does not exist, for Query too. */
export const operations: readonly OperationDefinition[] = [
  create,
  createKeyPair,
  register,
  reKey,
  reKeyKeyPair,
  certify,
  reCertify,
  deriveKey,
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
  obtainLease,
  getUsageAllocation,
  activate,
  revoke,
  destroy,
  archive,
  recover,
  validate,
  query,
  discoverVersions,
  poll,
  cancel,
  process,
  queryAsynchronousRequests,
  login,
  logout,
  delegatedLogin,
  setEndpointRole,
  setDefaults,
  setConstraints,
  getConstraints,
  encrypt,
  decrypt,
  sign,
  signatureVerify,
  mac,
  macVerify,
  rngRetrieve,
  rngSeed,
  hash,
  createSplitKey,
  joinSplitKey,
  exportObject,
  importObject,
  ping,
  log,
  interop,
];
