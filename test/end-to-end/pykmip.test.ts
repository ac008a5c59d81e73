import { join } from 'node:path';
import test from 'ava';
import { command, startAppliance } from '../harness/appliance.ts';

const python = '/usr/bin/python3';
const installed = (await command(python, ['-c', 'import kmip'])).code === 0;
if (!installed) console.log('skipped: no python3-pykmip, the independent KMIP client');

(installed ? test : test.skip)(
  'PyKMIP does all it can do, in every version of KMIP 1',
  async (t) => {
    const appliance = await startAppliance(t, { token: 'tpm' });
    const script = join(import.meta.dirname, '..', 'harness', 'pykmip.py');
    const { stdout, stderr } = await command(python, [
      ...[script, appliance.file('client'), String(appliance.port)],
    ]);
    const seen = JSON.parse(
      stdout.trim() === '' ? `{"stderr":${JSON.stringify(stderr)}}` : stdout,
    ) as object;
    const expected = {
      bytes: 32,
      registered: '000102030405060708090a0b0c0d0e0f',
      found: true,
      state: 'ACTIVE',
      list: true,
      active: 'OPERATION_FAILED: PERMISSION_DENIED - An Active object has to be revoked first',
      pair: true,
      renewed: true,
      gone: 'OPERATION_FAILED: ITEM_NOT_FOUND - No such object',
      unknown: 'OPERATION_FAILED: ITEM_NOT_FOUND - No such object',
    };
    const versions = ['KMIP_1_0', 'KMIP_1_1', 'KMIP_1_2', 'KMIP_1_3', 'KMIP_1_4'];
    const computed = {
      opened: 'some data',
      verdicts: ['VALID', 'INVALID'],
      mac: true,
      derived: true,
    };
    const all = versions.map((version) => {
      const computes = version > 'KMIP_1_1';
      return [version, { ...expected, computed: computes ? computed : null }];
    });
    t.deepEqual(seen, Object.fromEntries(all));
  },
);
