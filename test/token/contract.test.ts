import { join } from 'node:path';
import { softhsm } from '../../appliance/service/software-token/softhsm.ts';
import { softwareTpm } from '../../appliance/service/software-token/tpm.ts';
import { contract } from './contract.ts';

contract('tpm2-pkcs11 on swtpm', {
  token: (folder) => softwareTpm(join(folder, 'tpm'), join(folder, 'store')),
});

contract('SoftHSM', { token: (folder) => Promise.resolve(softhsm(join(folder, 'softhsm'))) });
