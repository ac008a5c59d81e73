import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { faultOf, setupAnswers } from '../../appliance/setup/answers.ts';
import { boxFiles } from '../../appliance/setup/box.ts';
import { LinuxBox } from '../../appliance/setup/linux-box.ts';
import { summaryOf } from '../../appliance/setup/summary.ts';

const answers = setupAnswers.parse({
  network: {
    method: 'static',
    interface: 'ens18',
    address: '192.0.2.10/24',
    gateway: '192.0.2.1',
    name_servers: ['192.0.2.53'],
  },
  name: 'kms-a.example',
  time: { servers: ['ntp.example', '192.0.2.123'], nts: false },
  node: { role: 'first' },
});

test('the answers become files of systemd-networkd, chrony and the host’s name', (t) => {
  t.deepEqual(boxFiles(answers), [
    {
      path: 'etc/systemd/network/10-twinlock.network',
      text: [
        ...['[Match]', 'Name=ens18', '', '[Network]', 'DHCP=no', 'Address=192.0.2.10/24'],
        ...['Gateway=192.0.2.1', 'DNS=192.0.2.53', ''],
      ].join('\n'),
    },
    { path: 'etc/hostname', text: 'kms-a.example\n' },
    {
      path: 'etc/chrony/sources.d/twinlock.sources',
      text: 'server ntp.example iburst\nserver 192.0.2.123 iburst\n',
    },
  ]);
  const least = setupAnswers.parse({ node: { role: 'first' } });
  t.deepEqual(boxFiles(least), []);
  t.deepEqual(least.node, { role: 'first', peer_lost: { policy: 'alone-for', hours: 72 } });
});

test('the summary names everything that will be done', (t) => {
  t.deepEqual(Object.fromEntries(summaryOf(answers)), {
    Network: 'ens18: 192.0.2.10/24, gateway 192.0.2.1, names by 192.0.2.53',
    Name: 'kms-a.example',
    Time: 'ntp.example, 192.0.2.123',
    'Root key': 'made in the token of the configuration',
    Node: 'first: makes the cluster’s keys',
    'Other node lost': 'new keys go on for 72 h, then are refused',
  });
});

test('the files are written below the root, and the system takes them up in order', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'twinlock-box-'));
  const ran: string[] = [];
  const box = new LinuxBox(root, (name, words) => {
    ran.push([name, ...words].join(' '));
    return Promise.resolve(true);
  });
  await box.write(boxFiles(answers));
  await box.apply(answers);
  const path = join(root, 'etc/systemd/network/10-twinlock.network');
  t.regex(readFileSync(path, 'utf8'), /Address=192\.0\.2\.10\/24/);
  t.is(statSync(path).mode & 0o777, 0o644);
  t.deepEqual(ran, [
    'hostnamectl set-hostname kms-a.example',
    'networkctl reload',
    'networkctl reconfigure ens18',
    'systemctl restart chrony.service',
  ]);
});

test('ports are opened in a box whose firewall is ours, and nowhere else', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'twinlock-box-'));
  t.is(new LinuxBox(root).ports, undefined);
  mkdirSync(join(root, 'etc/twinlock/ports'), { recursive: true });
  const ran: string[] = [];
  let isWell = true;
  const { ports } = new LinuxBox(root, (name, words) => {
    ran.push([name, ...words].join(' '));
    return Promise.resolve(isWell);
  });
  t.deepEqual(ports?.opened(), []);
  await ports?.open(['metrics', 'admin']);
  t.deepEqual(ports?.opened(), ['admin', 'metrics']);
  await ports?.open(['admin']);
  t.is(readFileSync(join(root, 'etc/twinlock/ports/opened'), 'utf8'), 'admin\n');
  t.deepEqual(ran, Array(2).fill('systemctl restart twinlock-ports.service'));
  isWell = false;
  await t.throwsAsync(ports?.open([]) ?? Promise.resolve(), { code: 'box' });
});

test('an update says what came of it, in its own words', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'twinlock-box-'));
  t.is(new LinuxBox(root).update, undefined);
  mkdirSync(join(root, 'usr/lib/twinlock'), { recursive: true });
  mkdirSync(join(root, 'run'));
  writeFileSync(join(root, 'usr/lib/twinlock/update'), '');
  const said = join(root, 'run/twinlock-update.said');
  const ran: string[] = [];
  let isWell = false;
  const { update = () => Promise.resolve('') } = new LinuxBox(root, (name, words) => {
    ran.push([name, ...words].join(' '));
    return Promise.resolve(isWell);
  });
  await t.throwsAsync(update(), { code: 'box', message: 'the update did not go through' });
  writeFileSync(said, 'one thing\nerror: there is no stick called TWINLOCK\nhint: name it so\n');
  const refused = await t.throwsAsync<Error & { hint?: string }>(update(), { code: 'box' });
  t.deepEqual([refused.message, refused.hint], ['there is no stick called TWINLOCK', 'name it so']);
  isWell = true;
  writeFileSync(said, 'one thing\nversion 0.2.0 is there\n');
  t.is(await update(), 'version 0.2.0 is there');
  t.deepEqual(new Set(ran), new Set(['systemctl start twinlock-update.service']));
});

test('an address that is taken and a program that fails are said in words that help', async (t) => {
  const box = new LinuxBox('/nowhere', () => Promise.resolve(false));
  await t.throwsAsync(box.checks.addressFree('ens18', '192.0.2.10/24'), {
    code: 'network',
    message: '192.0.2.10 is taken',
  });
  await t.throwsAsync(box.checks.gateway('192.0.2.1'), { message: /192\.0\.2\.1 does not answer/ });
  await t.throwsAsync(box.apply(answers), { code: 'box', message: /^hostnamectl .* failed$/ });
});

test('what is wrong is named by its place', (t) => {
  const first = { node: { role: 'first' } };
  t.is(faultOf(first), undefined);
  t.regex(faultOf({}) ?? '', /^node: /);
  t.regex(faultOf({ ...first, name: 'no name' }) ?? '', /^name: is not a host name/);
  t.regex(faultOf({ ...first, surprise: 1 }) ?? '', /surprise/);
  const network = { method: 'static', interface: 'e0', address: '192.0.2.1', gateway: '192.0.2.1' };
  t.is(faultOf({ ...first, network }), 'network.address: is not ADDRESS/PREFIX');
  for (const address of ['192.0.2.1/33', '192.0.2.256/24', '/24', '192.0.2.1/24/1', 'x/1']) {
    t.truthy(faultOf({ ...first, network: { ...network, address } }), address);
  }
  t.is(faultOf({ ...first, network: { ...network, address: '2001:db8::1/64' } }), undefined);
  t.regex(faultOf({ node: { role: 'second', peer: 'here', code: 'x' } }) ?? '', /^node.peer: /);
});
