import { spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { readConfiguration } from '../../appliance/service/configuration.ts';
import { command, removeFolder, temporaryFolder, until } from '../harness/appliance.ts';

/** What can be known of the image without building it; `npm run image-test` boots one. */
const root = join(import.meta.dirname, '..', '..');
const extra = join(root, 'image', 'mkosi.extra');
const initrd = join(root, 'image', 'mkosi.images', 'initrd', 'mkosi.extra');
const read = (...path: readonly string[]): string => readFileSync(join(root, ...path), 'utf8');
const portOf = (listen = ''): string => listen.slice(listen.lastIndexOf(':') + 1);
const has = async (...words: readonly [string, ...string[]]): Promise<boolean> =>
  (await command(words[0], words.slice(1))).code === 0;

// Not the program of that name in node_modules.
const nft = '/usr/sbin/nft';
const rules = join(extra, 'etc', 'nftables.conf');
const canCheck = await has('unshare', '--net', nft, '--version');
if (!canCheck) console.log('skipped: no nft, or no namespace is let be made here');

/** The most that `systemd-analyze security` may say: tenths, less is better. */
const exposures: readonly (readonly [unit: string, most: number])[] = [
  ['twinlock-keeper.service', 2],
  ['twinlock-token.service', 4],
  ['twinlock-token@.service', 4],
  ['twinlock-server.service', 11],
  ['twinlock-console@.service', 26],
];

for (const [unit, most] of exposures) {
  test(`${unit} is exposed by ${most / 10} at most`, async (t) => {
    const words = ['security', '--offline=yes', '--no-pager', join(root, 'systemd', unit)];
    const { stdout } = await command('systemd-analyze', words);
    const found = /Overall exposure level for \S+: (\d+\.\d)/.exec(stdout);
    t.true(Number(found?.[1]) * 10 <= most + 0.01, stdout.slice(-200));
  });
}

(canCheck ? test : test.skip)('the firewall’s rules load, and let in what is said', async (t) => {
  const load = `${nft} -f ${rules} && ${nft} -j list ruleset`;
  const { code, stdout, stderr } = await command('unshare', ['--net', 'sh', '-c', load]);
  t.is(code, 0, stderr);
  const chains = (
    JSON.parse(stdout) as { nftables: { chain?: { name: string; policy: string } }[] }
  ).nftables.flatMap(({ chain }) => chain ?? []);
  t.deepEqual(
    chains.map(({ name, policy }) => `${name} ${policy}`),
    ['input drop', 'forward drop'],
  );
});

(canCheck ? test : test.skip)(
  'a port that the administrator opened is open, no other',
  async (t) => {
    const folder = temporaryFolder();
    t.teardown(() => {
      removeFolder(folder);
    });
    const list = join(folder, 'opened');
    const script = join(extra, 'usr/lib/twinlock/ports');
    const opened = async (text?: string): Promise<string> => {
      if (text !== undefined) writeFileSync(list, text);
      // Not the program of that name in node_modules.
      const twice = `${script} ${list} && ${script} ${list}`;
      const path = 'PATH=/usr/sbin:/usr/bin:/bin';
      const look = `${path}; nft -f ${rules} && ${twice} && nft -j list set inet filter opened`;
      const { code, stdout, stderr } = await command('unshare', ['--net', 'sh', '-c', look]);
      t.is(code, 0, stderr);
      const { nftables } = JSON.parse(stdout) as { nftables: { set?: { elem?: number[] } }[] };
      return nftables.flatMap(({ set }) => set?.elem ?? []).join();
    };
    t.is(await opened(), '');
    t.is(await opened('admin\n'), '5698');
    t.is(await opened('metrics\nadmin\nssh\n22\n'), '5698,9464');
    t.is(await opened(''), '');
  },
);

test('the ports that the firewall opens are those of the units and the configuration', (t) => {
  const opened = /tcp dport \{ (.*?) \} accept/.exec(readFileSync(rules, 'utf8'))?.[1]?.split(', ');
  const kmip = /ListenStream=(\d+)/.exec(read('systemd', 'twinlock-server.socket'))?.[1];
  for (const path of ['systemd', 'image/mkosi.extra/etc/twinlock']) {
    const configuration = read(path, 'twinlock.toml');
    const peer = /\[replication\]\nlisten = ".*:(\d+)"/.exec(configuration)?.[1];
    t.deepEqual(opened, [kmip, peer], path);
    t.is(/\[server\]\nlisten = ".*:(\d+)"/.exec(configuration)?.[1], kmip, path);
  }
  const { server, metrics } = readConfiguration(join(extra, 'etc/twinlock/twinlock.toml'));
  const script = read('image/mkosi.extra/usr/lib/twinlock/ports');
  t.true(
    script.includes(
      `admin) nft add element inet filter opened '{ ${portOf(server.admin_listen)} }'`,
    ),
  );
  t.true(
    script.includes(`metrics) nft add element inet filter opened '{ ${portOf(metrics.listen)} }'`),
  );
});

test('without firewall rules there is no network', (t) => {
  const text = read(
    'image/mkosi.extra/usr/lib/systemd/system/systemd-networkd.service.d/firewall.conf',
  );
  t.regex(text, /^Requires=nftables\.service$/m);
  t.regex(text, /^After=nftables\.service/m);
});

test('nothing is started but what the preset names, and each of ours is', (t) => {
  const folder = 'image/mkosi.extra/usr/lib/systemd/system-preset';
  t.is(read(folder, '99-default.preset'), 'disable *\n');
  const enabled = [...read(folder, '00-twinlock.preset').matchAll(/^enable (\S+)/gm)].map(
    ([, u]) => u,
  );
  const ours = globSync('*.{service,socket}', { cwd: join(root, 'systemd') });
  const further = ours.filter((unit) => !unit.startsWith('twinlock-token@'));
  for (const unit of further) t.true(enabled.includes(unit), unit);
});

test('nobody logs in: no getty, no shell of an emergency, no SSH', (t) => {
  const masked = read('image', 'masked.units').split('\n');
  for (const name of ['getty@', 'serial-getty@', 'console-getty', 'debug-shell', 'rescue']) {
    t.true(masked.includes(`${name}.service`), name);
  }
  t.regex(
    read('image/mkosi.extra/usr/lib/systemd/system/emergency.service.d/refuse.conf'),
    /^ExecStart=$/m,
  );
  const configuration = read('image', 'mkosi.conf');
  t.notRegex(configuration, /ssh|telnet|sudo|login/);
  t.regex(configuration, /^RootPassword=hashed:!$/m);
  t.regex(configuration, /systemd\.import_credentials=no/);
});

test('slots of the first build and of the first boot have the same sizes', (t) => {
  for (const [name, other] of [
    ['00-esp.conf', '00-esp.conf'],
    ['10-root.conf', '20-root.conf'],
    ['11-root-verity.conf', '21-root-verity.conf'],
  ] as const) {
    const size = (text: string) => /SizeMaxBytes=(\S+)/.exec(text)?.[1];
    const built = size(read('image/mkosi.repart', name));
    t.truthy(built);
    for (const file of [name, other]) {
      t.is(
        size(readFileSync(join(initrd, 'usr/lib/twinlock/repart.d', file), 'utf8')),
        built,
        file,
      );
    }
  }
});

test('users keep their numbers from one version to the next', (t) => {
  const numbers = read('image/mkosi.extra/usr/lib/sysusers.d/00-twinlock-numbers.conf');
  for (const [, user = ''] of read('systemd/sysusers.d/twinlock.conf').matchAll(/^u (\S+)/gm)) {
    t.regex(numbers, new RegExp(`^u ${user} +[1-9]\\d\\d `, 'm'));
  }
});

test('the scripts of the image parse', async (t) => {
  const scripts = [
    'scripts/image',
    'image/tool',
    ...globSync('image/{,mkosi.images/initrd/}mkosi.extra/usr/lib/twinlock/*', { cwd: root }),
  ];
  for (const script of scripts.filter((path) => statSync(join(root, path)).isFile())) {
    const { code, stderr } = await command('sh', ['-n', join(root, script)]);
    t.is(code, 0, stderr);
  }
});

/** Runs a script of the image with a blank TPM of software. */
async function withTpm(t: ExecutionContext, script: string) {
  const folder = temporaryFolder();
  const socket = join(folder, 'tpm.sock');
  const state = ['--tpmstate', `dir=${folder}`, '--flags', 'not-need-init,startup-clear'];
  const sockets = ['--server', `type=unixio,path=${socket}`, '--ctrl'];
  const words = ['socket', '--tpm2', ...state, ...sockets, `type=unixio,path=${socket}.ctrl`];
  const tpm = spawn('swtpm', words);
  t.teardown(() => {
    tpm.kill('SIGKILL');
    removeFolder(folder);
  });
  await until('the TPM is there', () => Promise.resolve(existsSync(socket)));
  const environment = [`TPM2TOOLS_TCTI=swtpm:path=${socket}`, `RUNTIME_DIRECTORY=${folder}`];
  return (...more: readonly string[]) => command('env', [...environment, script, ...more]);
}

test('the TPM keeps which volume is the right one, and takes a later word for it', async (t) => {
  const known = await withTpm(t, join(initrd, 'usr/lib/twinlock/known-volume'));
  t.is((await known('say')).stdout, '');
  for (const digits of ['00ff5c250a'.padEnd(64, 'ab'), '7'.repeat(64)]) {
    const { code, stderr } = await known('remember', digits);
    t.is(code, 0, stderr);
    t.is((await known('say')).stdout, digits);
  }
});

test('the TPM keeps the newest version that served', async (t) => {
  const known = await withTpm(t, join(extra, 'usr/lib/twinlock/known-version'));
  t.is((await known('say')).stdout, '');
  for (const version of ['0.1.0', '12.0.345~rc1', '0.1.0.1']) {
    const { code, stderr } = await known('remember', version);
    t.is(code, 0, stderr);
    t.is((await known('say')).stdout, version);
  }
  t.is((await known('remember', '1'.repeat(33))).code, 1);
  t.is((await known('say')).stdout, '0.1.0.1');
});

test('what scripts/image puts on a stick is what the slots are filled from', (t) => {
  const build = read('scripts', 'image');
  for (const [transfer, type] of [
    ['10-root-verity', 'root-verity'],
    ['20-root', 'root'],
  ] as const) {
    const text = readFileSync(join(extra, 'usr/lib/sysupdate.d', `${transfer}.transfer`), 'utf8');
    t.regex(text, new RegExp(`^MatchPattern=twinlock_@v_@u\\.${type}\\.raw\\.gz$`, 'm'));
    t.regex(text, new RegExp(`^MatchPartitionType=${type}$`, 'm'));
    t.true(build.includes(`.${type}.raw.gz"`));
  }
  const kernel = readFileSync(join(extra, 'usr/lib/sysupdate.d/30-kernel.transfer'), 'utf8');
  // One try: what does not serve is undone at the next start.
  t.regex(kernel, /^TriesLeft=1$/m);
  t.regex(kernel, /^MatchPattern=twinlock_@v\.efi$/m);
});

test('no volume is opened for an older version, and no root starts without the volume', (t) => {
  const unit = (name: string): string =>
    readFileSync(join(initrd, 'usr/lib/systemd/system', name), 'utf8');
  const chain = [
    ['twinlock-volume.service', 'twinlock-version.service'],
    ['systemd-cryptsetup@var.service.d/order.conf', 'twinlock-volume.service'],
    ['twinlock-volume-identity.service', 'systemd-cryptsetup@var.service'],
    ['initrd-root-fs.target.d/volume.conf', 'twinlock-volume-identity.service'],
  ] as const;
  for (const [file, needs] of chain) {
    for (const word of ['Requires', 'After']) {
      t.regex(unit(file), new RegExp(`^${word}=.*\\b${needs.replace('.', '\\.')}`, 'm'), file);
    }
  }
  const options = readFileSync(join(initrd, 'etc/crypttab'), 'utf8');
  t.regex(options, /^var PARTLABEL=twinlock-var - tpm2-device=auto,tpm2-measure-pcr=yes,/);
  t.notRegex(options, /nofail/);
});
