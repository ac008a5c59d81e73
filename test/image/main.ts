import { closeSync, globSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Screen } from '../harness/screen.ts';
import { Machine } from './machine.ts';
import { addClient, clientOf, letAdministratorIn } from './outside.ts';
import { givePin, serving, setUpFirst } from './set-up.ts';
import { buildVersion, putOnStick, untilKept, updateFromStick } from './updates.ts';

/**
 * Boots the image that scripts/image made, in virtual machines with UEFI, Secure Boot and a TPM,
 * and says what it saw, a line each. docs/image.md names what is shown and what is not.
 */
const root = join(import.meta.dirname, '..', '..');
const { values } = parseArgs({
  options: {
    work: { type: 'string', default: '/var/tmp/twinlock-image' },
    image: { type: 'string' },
    /** The builder's keys, for the further versions of --all. */
    keys: { type: 'string', default: join(homedir(), '.config', 'twinlock', 'image-keys') },
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
const outside = {
  folder: join(values.work, 'vm', 'outside'),
  // Below what Linux gives to those who dial.
  port: 25_696,
  adminPort: 25_698,
};
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
 * Changes the command line in the kernel image that starts. Its signature holds no more then, as
 * that of a kernel of somebody else.
 */
function changeCommandLine(machine: Machine): void {
  const [from, to] = ['lockdown=integrity', 'lockdown=none     '];
  const { esp } = machine;
  const kernel = `::/EFI/Linux/${machine.kernels().toSorted().at(-1) ?? ''}`;
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

/** Set up at its console, from a blank TPM; then keys for a client outside. */
async function firstKeys(machine: Machine, screen: Screen): Promise<Map<string, string>> {
  await setUpFirst(screen);
  await screen.until(serving);
  show('the wizard made it a first node, its recovery set is proven');
  await letAdministratorIn(screen, outside);
  show('the administrators’ port was opened at the console, and one from outside let in');
  const client = await addClient(outside, 'vcenter');
  const keys = new Map<string, string>();
  for (let i = 0; i < 3; i++) {
    const id = await client.create();
    keys.set(id, await client.get(id));
  }
  client.end();
  show(`a client outside made ${keys.size} keys and fetched them`);
  await machine.picture('serving.png');
  return keys;
}

/** A power cut while keys are made; gives the identifiers that were answered. */
async function cutAmidCreates(machine: Machine): Promise<readonly string[]> {
  const client = clientOf(outside, 'vcenter');
  const answered: string[] = [];
  let ended: Promise<void> | undefined;
  for (;;) {
    try {
      answered.push(await client.create());
    } catch (error) {
      if (ended === undefined) throw error;
      break;
    }
    if (answered.length === 20) ended = machine.cut();
  }
  await ended;
  client.end();
  show(`power cut amid creates, ${answered.length} were answered`);
  return answered;
}

/** Starts it again, gives the PIN, and fetches every key that was ever answered. */
async function keysAgain(
  machine: Machine,
  keys: ReadonlyMap<string, string>,
  answered: readonly string[],
): Promise<void> {
  await machine.start();
  await seeReport(machine);
  await keysFetched(machine, keys);
  const client = clientOf(outside, 'vcenter');
  for (const id of answered) await client.get(id);
  client.end();
  show(`after the cut and the PIN: ${keys.size} keys are the same, ${answered.length} are there`);
}

/** A version from a stick is kept, the older one refused then, a newer one that fails undone. */
async function updates(machine: Machine, keys: ReadonlyMap<string, string>): Promise<void> {
  const base = /-(\d[^-]*)\.raw$/.exec(image ?? '')?.[1] ?? '';
  const [better, broken] = [`${base}.1`, `${base}.2`];
  putOnStick(values, machine, buildVersion(values, better));
  await machine.start();
  await seeReport(machine);
  await updateFromStick(machine, better);
  await machine.until(new RegExp(`version=${better}\\s`), /this box does not start/);
  const kept = untilKept(machine, better);
  await keysFetched(machine, keys);
  await kept;
  show(`version ${better} came from a stick, serves, and is kept`);
  await machine.cut();

  const path = `::/EFI/Linux/twinlock_${better}.efi`;
  machine.tool('mcopy', '-o', '-i', machine.esp, path, `${machine.inside}/newer.efi`);
  machine.tool('mdel', '-i', machine.esp, path);
  await machine.start();
  await machine.until(new RegExp(`version ${better} served on this box already`), report);
  await machine.until(/this box does not start/, report);
  show(`version ${base} does not start any more`);
  await machine.cut();
  machine.tool('mcopy', '-o', '-i', machine.esp, `${machine.inside}/newer.efi`, path);

  putOnStick(values, machine, buildVersion(values, broken, true));
  await machine.start();
  await seeReport(machine);
  await updateFromStick(machine, broken);
  await machine.until(new RegExp(`version=${broken}\\s`), /this box does not start/);
  show(`version ${broken} starts, and its server does not`);
  await machine.until(new RegExp(`version=${better}\\s`), /this box does not start/);
  await keysFetched(machine, keys);
  show(`it went back to version ${better} by itself`);
  await machine.cut();
}

/** Gives the PIN to a machine that has started, and fetches the keys. */
async function keysFetched(machine: Machine, keys: ReadonlyMap<string, string>): Promise<void> {
  const screen = machine.terminal();
  try {
    await givePin(screen);
    const client = clientOf(outside, 'vcenter');
    for (const [id, key] of keys) {
      if ((await client.insist(() => client.get(id))) !== key) throw new Error(`${id} changed`);
    }
    client.end();
  } finally {
    screen.close();
  }
}

/** What nobody may do to it: none of these gets to the keys. */
async function spoil(machine: Machine, key: string): Promise<void> {
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
  await machine.cut();
}

async function main(path: string): Promise<void> {
  const { port, adminPort } = outside;
  const machine = new Machine({ work: values.work, name: 'one', port, adminPort });
  machine.make(path);
  rmSync(outside.folder, { recursive: true, force: true });
  const screen = machine.terminal();
  try {
    const key = await firstBoot(machine);
    await machine.picture('console.png');
    const keys = await firstKeys(machine, screen);
    const answered = await cutAmidCreates(machine);
    await keysAgain(machine, keys, answered);
    await machine.cut();
    if (values.all) {
      await updates(machine, keys);
      await spoil(machine, key);
    }
  } finally {
    screen.close();
    await machine.cut();
  }
}

await main(image);
show('all of it was seen');
