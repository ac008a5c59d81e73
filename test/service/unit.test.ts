import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { command, removeFolder, temporaryFolder } from '../harness/appliance.ts';

const folder = join(import.meta.dirname, '..', '..', 'systemd');
const present = (await command('systemd-analyze', ['--version'])).code === 0;
if (!present) console.log('skipped: no systemd-analyze, which scores the units');

/** The most exposure, in tenths, that systemd may find in each unit. */
const most = { token: 8, 'token-pin': 12, keeper: 6, server: 15 } as const;

for (const [role, tenths] of Object.entries(most)) {
  (present ? test : test.skip)(
    `the unit of the ${role} is exposed by at most ${tenths / 10}`,
    async (t) => {
      const unit = join(folder, `twinlock-${role}.service`);
      const threshold = `--threshold=${tenths}`;
      const { code, stdout } = await command('systemd-analyze', [
        ...['security', '--offline=true', threshold, unit],
      ]);
      t.is(code, 0, stdout.slice(-400));
    },
  );
}

(present ? test : test.skip)('systemd finds nothing wrong in the units', async (t) => {
  const units = temporaryFolder();
  t.teardown(() => {
    removeFolder(units);
  });
  for (const name of readdirSync(folder).filter((each) => /\.(service|socket)$/.test(each))) {
    // The one thing that is not there before the image is: its programs.
    const text = readFileSync(join(folder, name), 'utf8');
    const started = text.replace(/^ExecStart=\/usr\/lib\/twinlock\/node/gm, 'ExecStart=/bin/true');
    writeFileSync(join(units, name.replace('@.', '@safe.')), started);
  }
  const paths = readdirSync(units).map((name) => join(units, name));
  const { code, stdout, stderr } = await command('systemd-analyze', ['verify', ...paths]);
  t.is(code, 0, stdout + stderr);
  // OpenFile= came with systemd 253; the image's has it.
  const beside = /^.*(Failed to (connect|open)|SELinux|Unknown key 'OpenFile').*\n/gm;
  t.is(stderr.replaceAll(beside, ''), '');
});

test('the PIN is a credential of the keeper’s unit, and is not missed where it is none', (t) => {
  const unit = readFileSync(join(folder, 'twinlock-keeper.service'), 'utf8');
  const id = /^LoadCredentialEncrypted=([^:]+):\//m.exec(unit)?.[1] ?? '';
  t.true(unit.includes(`\nSetCredential=${id}:\\n\n`));
  // One that does not open would keep the keeper from starting: another unit looks first.
  const path = /^LoadCredentialEncrypted=[^:]+:(\S+)$/m.exec(unit)?.[1] ?? '';
  const looks = readFileSync(join(folder, 'twinlock-token-pin.service'), 'utf8');
  t.regex(looks, new RegExp(`^ExecCondition=/usr/bin/rm -f ${path}$`, 'm'));
  t.true(looks.indexOf('/usr/bin/rm') < looks.indexOf('/usr/bin/test -e'));
  t.regex(looks, /^SupplementaryGroups=tss$/m, 'root without capabilities opens no TPM');
  t.regex(looks, /^TimeoutStartSec=\d+$/m);
  t.regex(looks, new RegExp(`^ExecStart=/usr/bin/install -m 0600 \\S+ ${path}$`, 'm'));
  t.true(looks.indexOf('systemd-creds decrypt') < looks.indexOf('/usr/bin/install'));
  t.regex(unit, /^After=.* twinlock-token-pin\.service$/m);
  const configuration = readFileSync(join(folder, 'twinlock.toml'), 'utf8');
  t.true(configuration.includes(`pin_file = "/run/credentials/twinlock-keeper.service/${id}"`));
});

test('tpm2-pkcs11’s store lies in the token process’s own folder, which nobody else opens', (t) => {
  for (const name of ['twinlock-token.service', 'twinlock-token@.service']) {
    const unit = readFileSync(join(folder, name), 'utf8');
    const own = /^StateDirectory=(\S+)$/m.exec(unit)?.[1] ?? '';
    t.regex(unit, new RegExp(`^Environment=TPM2_PKCS11_STORE=/var/lib/${own} `, 'm'), name);
    t.regex(unit, /^StateDirectoryMode=0700$/m, name);
  }
});
