import { join } from 'node:path';
import test from 'ava';
import { command } from '../harness/appliance.ts';

const folder = join(import.meta.dirname, '..', '..', 'systemd');
const present = (await command('systemd-analyze', ['--version'])).code === 0;
if (!present) console.log('skipped: no systemd-analyze, which scores the units');

/** The most exposure, in tenths, that systemd may find in each unit. */
const most = { token: 8, keeper: 6, server: 15 } as const;

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
