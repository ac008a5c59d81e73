import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { command, startAppliance, temporaryFolder, until } from '../harness/appliance.ts';
import { removeFolder } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';

const services = join(import.meta.dirname, '..', '..', 'appliance', 'service');
const systemdFolder = join(import.meta.dirname, '..', '..', 'systemd');
const installed = (await command('systemd-notify', ['--version'])).code === 0;
if (!installed) console.log('skipped: no systemd-notify');
const systemd = installed ? test : test.skip;

/**
 * What systemd would hear on its socket: Node has no datagram sockets of this family. With `from`
 * a line begins with the sender, as the kernel names it and NotifyAccess= holds it against.
 */
async function listener(
  t: ExecutionContext,
  from = false,
): Promise<{ socket: string; heard: string[] }> {
  const folder = temporaryFolder();
  const socket = join(folder, 'notify');
  const script = [
    'import socket, struct, sys',
    's = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)',
    's.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)',
    's.bind(sys.argv[1])',
    'while True:',
    '  said, ancillary, _, _ = s.recvmsg(4096, 64)',
    '  pid = struct.unpack("3i", ancillary[0][2])[0]',
    `  print(${from ? '"%d: " % pid + ' : ''}said.decode().rstrip(), flush=True)`,
  ];
  const child = spawn('/usr/bin/python3', ['-c', script.join('\n'), socket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => {
    child.kill('SIGKILL');
    removeFolder(folder);
  });
  const heard: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => heard.push(line));
  await until('the socket is there', () => existsSync(socket));
  return { socket, heard };
}

/** Starts one more process of a stopped trial's configuration, as a unit of systemd would. */
function startUnit(
  t: ExecutionContext,
  appliance: RunningAppliance,
  role: 'keeper' | 'server',
  socket: string,
  before: readonly string[] = [],
): { stop: () => Promise<unknown>; pid: number } {
  const configuration = appliance.file('twinlock.toml');
  const file = join(services, `${role}.ts`);
  const words = [...before, process.execPath, file, '--configuration', configuration];
  const child = spawn(words[0] ?? '', words.slice(1), {
    stdio: 'ignore',
    env: { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' },
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  t.teardown(() => child.kill('SIGKILL'));
  return {
    pid: child.pid ?? 0,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

systemd('systemd hears when a process is ready, well and stopping', async (t) => {
  t.timeout(120_000);
  const first = await startAppliance(t);
  await first.stop();
  mkdirSync(first.file('run'), { recursive: true });
  const ofKeeper = await listener(t);
  const ofServer = await listener(t);
  const keeper = startUnit(t, first, 'keeper', ofKeeper.socket);
  const server = startUnit(t, first, 'server', ofServer.socket);
  const says = (heard: readonly string[], what: RegExp): Promise<void> =>
    until(`somebody says ${String(what)}`, () => heard.some((line) => what.test(line)));
  await says(ofKeeper.heard, /^READY=1/);
  await says(ofKeeper.heard, /STATUS=open, root key ready/);
  await says(ofServer.heard, /^READY=1/);
  await says(ofServer.heard, /STATUS=serving on 127\.0\.0\.1 port \d+/);
  await says(ofKeeper.heard, /^WATCHDOG=1/);
  await says(ofServer.heard, /^WATCHDOG=1/);

  // The self-check unwraps through the keeper: while that hangs, the watchdog gets nothing.
  process.kill(keeper.pid, 'SIGSTOP');
  const fed = (): number => ofServer.heard.filter((line) => line === 'WATCHDOG=1').length;
  let last = fed();
  let quiet = 0;
  await until('the watchdog is no longer fed', async () => {
    // Each look takes about as long as a whole process does: ten without a sign are many feedings.
    await command(process.execPath, ['-e', '0']);
    quiet = fed() === last ? quiet + 1 : 0;
    last = fed();
    return quiet >= 10;
  });
  process.kill(keeper.pid, 'SIGCONT');
  await until('it is fed again', () => fed() > last);

  t.is(await server.stop(), 0);
  t.is(await keeper.stop(), 0);
  await says(ofServer.heard, /^STOPPING=1/);
  await says(ofKeeper.heard, /^STOPPING=1/);
});

/** Hands a program systemd's socket as OpenFile= does (systemd.service(5)), and becomes it. */
const openFile = [
  'import os, socket, sys',
  's = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)',
  's.connect(os.environ["NOTIFY_SOCKET"])',
  'os.dup2(s.fileno(), 3)',
  'os.set_inheritable(3, True)',
  'os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="notify")',
  'os.execv(sys.argv[1], sys.argv[1:])',
].join('\n');

test('the main process alone speaks to the socket that a unit’s OpenFile= passes', async (t) => {
  t.timeout(120_000);
  const units = globSync('*.service', { cwd: systemdFolder }).filter((name) =>
    /^Type=notify$/m.test(readFileSync(join(systemdFolder, name), 'utf8')),
  );
  t.true(units.length >= 4);
  for (const name of units) {
    const text = readFileSync(join(systemdFolder, name), 'utf8');
    t.regex(text, /^NotifyAccess=main$/m, name);
    t.regex(text, /^OpenFile=\/run\/systemd\/notify:notify$/m, name);
  }
  const first = await startAppliance(t);
  await first.stop();
  mkdirSync(first.file('run'), { recursive: true });
  const { socket, heard } = await listener(t, true);
  const before = ['/usr/bin/python3', '-c', openFile];
  const keeper = startUnit(t, first, 'keeper', socket, before);
  const says = (what: string): Promise<void> =>
    until(`it says ${what}`, () => heard.includes(`${keeper.pid}: ${what}`));
  await says('READY=1');
  await says('STATUS=open, root key ready');
  await says('WATCHDOG=1');
  t.is(await keeper.stop(), 0);
  await says('STOPPING=1');
});
