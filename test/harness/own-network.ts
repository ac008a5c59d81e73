import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { command } from './appliance.ts';
import type { Ended } from './appliance.ts';

/**
 * The box has the card `box0` with 192.0.2.10/24 and its files in a /etc of its own; at the other
 * end of the cable, in the network `lan`, is another machine with 192.0.2.1 and 192.0.2.77.
 */
const setUp = `
set -e
mount -t tmpfs tmpfs /run
mount -t sysfs sysfs /sys
cp -a /etc/alternatives /etc/passwd /etc/group /run
mount -t tmpfs tmpfs /etc
cp -a /run/alternatives /run/passwd /run/group /etc
mkdir -p /etc/chrony/sources.d
echo 'nameserver 192.0.2.77' > /etc/resolv.conf
echo 'server 192.0.2.77 iburst' > /etc/chrony/sources.d/twinlock.sources
ip link set lo up
ip netns add lan
ip link add box0 type veth peer name lan0 netns lan
ip -n lan link set lo up
ip -n lan link set lan0 up
ip -n lan addr add 192.0.2.1/24 dev lan0
ip -n lan addr add 192.0.2.77/24 dev lan0
ip addr add 192.0.2.10/24 dev box0
ip link set box0 up
ip route add default via 192.0.2.1
sysctl -q -w net.ipv4.ping_group_range='0 0'
echo READY
exec cat
`;

/** A box's network of its own, of the kernel's namespaces; nothing of the machine's is touched. */
export class OwnNetwork {
  readonly #holder: ChildProcess;
  readonly #others: ChildProcess[] = [];

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  /** Undefined where none can be made: a container without the right, no iproute2 or arping. */
  static async start(): Promise<OwnNetwork | undefined> {
    for (const tool of ['ip', 'arping', 'ping', 'nsenter', 'unshare', 'sysctl']) {
      const found = await command('sh', ['-c', `command -v ${tool}`]);
      if (found.code !== 0) return undefined;
    }
    const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
    const words = [...user, '--net', '--mount', 'sh', '-c', setUp];
    const holder = spawn('unshare', words, { stdio: ['pipe', 'pipe', 'ignore'] });
    const isReady = await new Promise<boolean>((resolve) => {
      createInterface({ input: holder.stdout }).once('line', (line) => {
        resolve(line === 'READY');
      });
      holder.once('close', () => {
        resolve(false);
      });
    });
    return isReady ? new OwnNetwork(holder) : undefined;
  }

  /** What runs a program on the box. */
  onBox(...words: readonly string[]): string[] {
    const user = process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials'];
    const target = ['--target', String(this.#holder.pid), ...user, '--net', '--mount'];
    return ['nsenter', ...target, ...words];
  }

  /** What runs a program on the other machine. */
  onLan(...words: readonly string[]): string[] {
    return this.onBox('ip', 'netns', 'exec', 'lan', ...words);
  }

  /** Runs one to its end; throws where it fails. */
  run(words: readonly string[]): void {
    const [file = '', ...parameters] = words;
    execFileSync(file, parameters, { stdio: 'ignore' });
  }

  ask(words: readonly string[]): Promise<Ended> {
    const [file = '', ...parameters] = words;
    return command(file, parameters);
  }

  /** Starts a program that lasts, once it has printed a line; gives what ends it. */
  async lasting(words: readonly string[]): Promise<() => void> {
    const [file = '', ...parameters] = words;
    const child = spawn(file, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#others.push(child);
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', () => {
        resolve();
      });
      child.once('close', () => {
        reject(new Error(`${words.join(' ')} ended`));
      });
    });
    return () => {
      child.kill('SIGKILL');
    };
  }

  close(): void {
    for (const child of this.#others) child.kill('SIGKILL');
    this.#holder.stdin?.end();
    this.#holder.kill('SIGKILL');
  }
}
