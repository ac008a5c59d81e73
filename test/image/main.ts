import { closeSync, globSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Machine } from './machine.ts';

/**
 * Boots the image that scripts/image made, in virtual machines with UEFI, Secure Boot and a TPM,
 * and says what it saw, a line each. docs/image.md names what is shown and what is not.
 */
const root = join(import.meta.dirname, '..', '..');
const { values } = parseArgs({
  options: {
    work: { type: 'string', default: '/var/tmp/twinlock-image' },
    image: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
});
const image =
  values.image ??
  globSync(join(root, 'dist', 'twinlock-*.raw'))
    .filter((path) => !path.includes('root'))
    .sort()
    .at(-1);
if (image === undefined) {
  console.error('error: there is no image\nhint: ./scripts/image makes one');
  process.exit(2);
}
mkdirSync(join(values.work, 'vm'), { recursive: true });
const began = performance.now();
const recoveryKey = /\s([a-z0-9]{5}(?:-[a-z0-9]{5}){9})\s/;
const report = /twinlock boot: (.*version=\S+)\s/;
const demands = [
  ...['secure-boot=on', 'root=verified', 'measured=yes', 'var=/dev/mapper/var:ext4'],
  ...['lockdown=integrity', 'firewall=1', 'failed=0'],
];

function show(what: string): void {
  console.log(`${Math.round((performance.now() - began) / 1000)} s: ${what}`);
}

/** The first boot: keys into the firmware, a volume, its recovery key shown and typed back. */
async function firstBoot(machine: Machine): Promise<string> {
  await machine.start();
  const [, key = ''] = await machine.until(recoveryKey, /error:/);
  show('the firmware took the keys; the volume was made and its recovery key is shown');
  await machine.until(/Last five letters/);
  machine.type(`${key.slice(-5)}\r`);
  await seeReport(machine);
  return key;
}

/** How the machine says that it came up, held against what an appliance has to be. */
async function seeReport(machine: Machine, but = /error:/): Promise<void> {
  const [, line = ''] = await machine.until(report, but);
  const facts = line.trim().split(' ');
  const missing = demands.filter((demand) => !facts.includes(demand));
  if (missing.length > 0) throw new Error(`not so: ${missing.join(', ')} (${line})`);
  const ports = /ports=(\S*)/.exec(line)?.[1]?.split(',') ?? [];
  const open = ports.filter(
    (port) => !['tcp/5696', 'tcp/5697', 'udp/68', 'udp/546'].includes(port),
  );
  if (open.length > 0) throw new Error(`ports that nobody opened: ${open.join(', ')}`);
  show(line.trim());
}

async function seeConsole(machine: Machine, word: RegExp): Promise<void> {
  await machine.until(word);
  show(`the console on the serial line says ${word.source}`);
}

/** Another byte in a block of the root that every boot reads: its superblock. */
function flipByte(machine: Machine): void {
  const disk = openSync(machine.file('disk.raw'), 'r+');
  const sector = Buffer.alloc(512);
  const start = rootStart(disk);
  // Behind the superblock of erofs, in its block still.
  const place = start + 2048;
  readSync(disk, sector, 0, 512, place);
  sector[0] = (sector[0] ?? 0) ^ 1;
  writeSync(disk, sector, 0, 512, place);
  closeSync(disk);
}

/**
 * Changes the command line in the kernel image on the ESP, which begins at the first mebibyte. Its
 * signature holds no more then, as that of a kernel of somebody else.
 */
function changeCommandLine(machine: Machine): void {
  const [from, to] = ['lockdown=integrity', 'lockdown=none     '];
  const esp = `${machine.inside}/disk.raw@@1M`;
  const [kernel = ''] = machine.tool('mdir', '-b', '-i', esp, '::/EFI/Linux').trim().split('\n');
  machine.tool('mcopy', '-o', '-i', esp, kernel, `${machine.inside}/kernel.efi`);
  const bytes = readFileSync(machine.file('kernel.efi'));
  const place = bytes.indexOf(from);
  if (place < 0) throw new Error('the kernel image has no such command line');
  bytes.write(to, place, 'latin1');
  writeFileSync(machine.file('kernel.efi'), bytes);
  machine.tool('mcopy', '-o', '-i', esp, `${machine.inside}/kernel.efi`, kernel);
}

/** Where the root begins: the second entry of the partition table (UEFI 2.10, 5.3.3). */
function rootStart(disk: number): number {
  const entry = Buffer.alloc(128);
  readSync(disk, entry, 0, 128, 2 * 512 + 128);
  return Number(entry.readBigUInt64LE(32)) * 512;
}

async function main(path: string): Promise<void> {
  const machine = new Machine({ work: values.work, name: 'one', port: 45_696, adminPort: 45_698 });
  machine.make(path);
  try {
    const key = await firstBoot(machine);
    await seeConsole(machine, /Keys, clients/);
    await machine.picture('console.png');
    await machine.cut();
    show('power cut');
    await machine.start();
    await seeReport(machine);
    await seeConsole(machine, /Keys, clients/);
    await machine.cut();
    if (!values.all) return;
    flipByte(machine);
    await machine.start();
    await machine.until(/is corrupted/, report);
    show('a flipped byte in the root: it does not start');
    await machine.cut();
    flipByte(machine);
    machine.exchangeBoard();
    await machine.start();
    await machine.until(/passphrase|recovery key/i, report);
    show('the disk in another machine: it asks for the recovery key');
    machine.type(`${key}\r`);
    await machine.until(/adopt or erase/, report);
    machine.type('adopt\r');
    await seeReport(machine, /this box does not start/);
    show('the recovery key, and a person’s word, open it there');
    await machine.cut();
    changeCommandLine(machine);
    await machine.start();
    await machine.until(/Access Denied|Security Violation/i, report);
    show('another command line: the firmware starts no such kernel');
  } finally {
    await machine.cut();
  }
}

await main(image);
show('all of it was seen');
