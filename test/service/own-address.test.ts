import test from 'ava';
import { endpointOf } from '../../appliance/service/own-address.ts';
import { startAppliance } from '../harness/appliance.ts';

test('where keys are served is an address that a person can type elsewhere', async (t) => {
  const own = ['192.0.2.10', '2001:db8::10'];
  const at = (address: string, ...addresses: string[]): string =>
    endpointOf({ address, port: 5696 }, addresses);
  t.is(at('::', ...own), '192.0.2.10:5696');
  t.is(at('0.0.0.0', ...own), '192.0.2.10:5696');
  t.is(at('::', '2001:db8::10'), '[2001:db8::10]:5696');
  t.is(at('192.0.2.11', ...own), '192.0.2.11:5696');
  t.is(at('::'), '[::]:5696');
  const appliance = await startAppliance(t, { listen: '0.0.0.0:0' });
  const { stdout } = await appliance.twinlock('status', '--json');
  const { endpoint } = JSON.parse(stdout) as { endpoint: string };
  t.notRegex(endpoint, /^(0\.0\.0\.0|\[::\]):/);
});
