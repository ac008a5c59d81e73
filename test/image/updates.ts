import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import { givePin, openMenu } from './set-up.ts';

const root = join(import.meta.dirname, '..', '..');

export interface Builder {
  readonly work: string;
  readonly keys: string;
}

/** Builds another version; gives its update. `isBroken`: its server does not start. */
export function buildVersion({ work, keys }: Builder, version: string, isBroken = false): string {
  const tree = join(work, 'vm', 'broken');
  const units = join(tree, 'usr/lib/systemd/system/twinlock-server.service.d');
  mkdirSync(units, { recursive: true });
  writeFileSync(join(units, 'broken.conf'), '[Service]\nExecStart=\nExecStart=/bin/false\n');
  const words = ['--work', work, '--keys', keys, '--version', version];
  const all = isBroken ? [...words, '--with', tree] : words;
  execFileSync(join(root, 'scripts', 'image'), all, { stdio: ['ignore', 'ignore', 'inherit'] });
  return join(root, 'dist', `twinlock-${version}-update`);
}

/** A stick with this folder on it, put in at the machine's next start. */
export function putOnStick({ work }: Builder, machine: Machine, folder: string): void {
  const [copied, stick] = [join(work, 'vm', 'update'), 'vm/stick.raw'];
  rmSync(copied, { recursive: true, force: true });
  rmSync(join(work, stick), { force: true });
  cpSync(folder, copied, { recursive: true });
  machine.tool('mkfs.vfat', '-n', 'TWINLOCK', '-C', `/w/${stick}`, `${700 * 1024}`);
  machine.tool('sh', '-c', `mcopy -i /w/${stick} /w/vm/update/* ::`);
  machine.stick = stick;
}

/** At the console of a node that has just started: PIN, update, restart. */
export async function updateFromStick(machine: Machine, version: string): Promise<void> {
  const screen = machine.terminal();
  try {
    await givePin(screen);
    await openMenu(screen);
    screen.press('9');
    const said = await screen.until(/is there; it starts when|error|refused|not|failed/);
    if (!said.join('\n').includes(`version ${version} is there`)) throw new Error(said.join('\n'));
    screen.press('Escape');
    await screen.until(/<F12> Restart/);
    machine.forget();
    screen.press('F12');
    await screen.until(/2 +Restart/);
    screen.press('2');
  } finally {
    screen.close();
  }
}

/** Waits until the boot entry of a version has no tries to count any more. */
export async function untilKept(machine: Machine, version: string): Promise<void> {
  while (!machine.kernels().includes(`twinlock_${version}.efi`)) {
    await new Promise((resolve) => setTimeout(resolve, 5_000));
  }
}
