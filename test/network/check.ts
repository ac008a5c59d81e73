import { LinuxBox } from '../../appliance/setup/linux-box.ts';

/** What the wizard looks at before it writes anything: an address and a gateway, as words. */
const [address = '', gateway = ''] = process.argv.slice(2);
const { checks } = new LinuxBox('/');
const said = async (look: Promise<void>): Promise<string> => {
  try {
    await look;
    return 'well';
  } catch (error) {
    return error instanceof Error ? error.message : 'unknown';
  }
};
const found = [
  await said(checks.addressFree('box0', address)),
  await said(checks.gateway(gateway)),
];
process.stdout.write(`${JSON.stringify(found)}\n`);
