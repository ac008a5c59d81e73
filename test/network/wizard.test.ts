import { join } from 'node:path';
import test from 'ava';
import { OwnNetwork } from '../harness/own-network.ts';
import { startNode } from '../harness/pair.ts';
import { Screen } from '../harness/screen.ts';

/** The wizard's pages of the box itself, whose looks need a network that may be spoilt. */
const here = import.meta.dirname;
const first = await OwnNetwork.start();
first?.close();
if (first === undefined) console.log('skipped: no network of its own can be made for the wizard');
const there = first === undefined ? test.skip : test;

/** Types a text in place of what stands in the field. */
function put(screen: Screen, text: string): void {
  screen.press('C-u');
  screen.type(text);
}

async function throughNetwork(screen: Screen): Promise<void> {
  await screen.until(/Set-up: Network +1 of 8[^]*< box0 >/);
  screen.press('Enter', 'Right');
  await screen.until(/< fixed >[^]*Name servers/);
  screen.press('Enter');
  screen.type('192.0.2.77/24');
  screen.press('Enter');
  screen.type('192.0.2.98');
  screen.press('Enter');
  screen.type('192.0.2.77');
  screen.press('Enter');
  await screen.until(/! 192\.0\.2\.77 is taken: another machine answers for it/);
  screen.press('Up', 'Up');
  put(screen, '192.0.2.50/24');
  screen.press('Down', 'Down', 'Enter');
  await screen.until(/192\.0\.2\.50\/24 is free[^]*! the gateway 192\.0\.2\.98 does not answer/);
  screen.press('Up');
  put(screen, '192.0.2.1');
  screen.press('Down', 'Enter');
  await screen.until(/192\.0\.2\.50\/24 is free[^]*the gateway 192\.0\.2\.1 answers/);
  screen.press('Enter');
}

async function throughTheRest(screen: Screen): Promise<void> {
  await screen.until(/Set-up: Name +2 of 8/);
  screen.type('kms-a.example');
  screen.press('Enter');
  await screen.until(/Set-up: Time +3 of 8/);
  put(screen, '192.0.2.77');
  screen.press('Enter', 'Right');
  await screen.until(/< no \(plain NTP\) >/);
  screen.press('Enter');
  await screen.until(/192\.0\.2\.77: this clock is off by 36\d\d\.\d s/);
  screen.press('Enter');
  await screen.until(/Set-up: Administrator +4 of 8/);
  for (let i = 0; i < 2; i++) {
    screen.type('a passphrase for trying');
    screen.press('Enter');
  }
  // Found live: the token, what it is and how it is.
  await screen.until(/Set-up: Root key +5 of 8[^]*< primary: SoftHSM, \w+ >/);
  screen.press('Enter', 'Enter');
  await screen.until(/Set-up: First or second node +6 of 8/);
  screen.press('Enter');
  await screen.until(/Set-up: When the other node is lost +7 of 8/);
  screen.press('Enter', 'Enter');
}

there('eight screens look at a real network, and nothing is written before the last', async (t) => {
  t.timeout(300_000);
  const own = await OwnNetwork.start();
  if (own === undefined) throw new Error('a network of its own could be made a moment ago');
  t.teardown(() => {
    own.close();
  });
  const time = own.onLan(process.execPath, join(here, 'time-server.ts'), '192.0.2.77', '3600');
  await own.lasting(time);
  const node = await startNode(t, { fresh: true });
  const program = join(here, '..', '..', 'appliance', 'service', 'console.ts');
  const [admin, keeper] = ['admin.sock', 'console.sock'].map((name) => node.file('run', name));
  const sockets = ['--socket', admin ?? '', '--console', keeper ?? ''];
  const screen = new Screen(own.onBox(process.execPath, program, ...sockets));
  t.teardown(() => {
    screen.close();
  });
  await screen.until(/192\.0\.2\.10[^]*<F2> Configure/);
  screen.press('F2');
  await throughNetwork(screen);
  await throughTheRest(screen);
  const summary = (await screen.until(/Set-up: Summary +8 of 8/)).join('\n');
  t.regex(summary, /Network +box0: 192\.0\.2\.50\/24, gateway 192\.0\.2\.1, names by/);
  t.regex(summary, /Name +kms-a\.example/);
  t.regex(summary, /Time +192\.0\.2\.77/);
  const network = '/etc/systemd/network/10-twinlock.network';
  t.not((await own.ask(own.onBox('cat', network))).code, 0, 'nothing is written yet');
  t.not((await own.ask(own.onBox('cat', '/etc/hostname'))).code, 0);
  t.regex((await node.twinlock('status')).stdout, /^NOT CONFIGURED/);

  // No system runs on this box that could take the files up: that is said, and no key was made.
  screen.press('Enter');
  await screen.until(/! hostnamectl [^]*no key was made|! hostnamectl is not installed/);
  const { stdout } = await own.ask(own.onBox('cat', network));
  t.regex(stdout, /Name=box0\n[^]*Address=192\.0\.2\.50\/24\nGateway=192\.0\.2\.1\n/);
  t.regex((await node.twinlock('status')).stdout, /^NOT CONFIGURED/);
  screen.press('Escape');
  await screen.until(/Set-up: Summary +8 of 8[^]*192\.0\.2\.50\/24/);
});
