import test from 'ava';
import { cutBlockedClients } from '../../appliance/server/blocked-client.ts';
import { carry, pairOf } from '../harness/replica.ts';

test('a block that another node made cuts the certificate’s connections here', async (t) => {
  const { one, two } = await pairOf(t);
  const enrol = (client: string, fingerprint: string) =>
    ({
      kind: 'client-enrolled',
      client,
      name: client,
      group: 'default',
      fingerprint,
      certificate: '',
      state: 'allowed',
    }) as const;
  await one.change((draft) => {
    draft.append(enrol('a', 'aa'));
    draft.append(enrol('b', 'bb'));
  });
  await carry(one, two);
  const cut: string[] = [];
  cutBlockedClients(two, (fingerprint) => cut.push(fingerprint));
  await one.change((draft) => {
    draft.append({ kind: 'client-blocked', client: 'a' });
  });
  await carry(one, two);
  t.deepEqual(cut, ['aa']);
  await one.close();
  await two.close();
});
