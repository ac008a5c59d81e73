import { join } from 'node:path';
import { softhsm } from '../../appliance/service/software-token/softhsm.ts';
import { softwareTpm } from '../../appliance/service/software-token/tpm.ts';
import { Shim } from '../harness/shim.ts';
import { contract } from './contract.ts';
import type { TokenProcessOptions } from './token-process.ts';

const makers: Readonly<Record<string, TokenProcessOptions['token']>> = {
  'tpm2-pkcs11 on swtpm': (folder) => softwareTpm(join(folder, 'tpm'), join(folder, 'store')),
  SoftHSM: (folder) => Promise.resolve(softhsm(join(folder, 'softhsm'))),
};

for (const [name, token] of Object.entries(makers)) {
  contract(name, { token });
  contract(`${name} through the shim`, {
    token: async (folder) => new Shim(folder).before(await token(folder)),
  });
}
