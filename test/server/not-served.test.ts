import test from 'ava';
import { nameOf, Operation } from '../../appliance/kmip/enumeration.ts';
import { operations } from '../../appliance/operation/index.ts';
import { Asker } from '../conformance/error/asker.ts';
import { nearServer } from '../harness/near-server.ts';

const versions = [100, 101, 102, 103, 104, 200, 201];
const served = new Set<number>(operations.map(({ operation }) => operation));
const left: readonly number[] = Object.values(Operation).filter((each) => !served.has(each));

test('what is left out is what the conformance page names', (t) => {
  const names = left.map((each) => nameOf(Operation, each)).sort();
  t.deepEqual(names, ['Notify', 'PKCS_11', 'Put', 'ReProvision']);
});

for (const version of versions) {
  test(`${version}: what is left out or newer is said not to be supported`, async (t) => {
    const server = nearServer(t);
    const asker = new Asker(version, server.now(), (message) => server.exchange(message));
    const newer = operations.filter(({ since }) => since > version);
    for (const operation of [...left, ...newer.map((each) => each.operation), 0x7fff_0000]) {
      const { status, reason, payload } = await asker.batch([[operation, []]]);
      t.is(status, 'OperationFailed', nameOf(Operation, operation));
      t.is(reason, 'OperationNotSupported', nameOf(Operation, operation));
      t.deepEqual(payload, []);
    }
  });
}
