import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { Screen } from '../harness/screen.ts';

const root = join(import.meta.dirname, '..', '..');
/** Milliseconds: a machine that is emulated on two busy cores takes minutes to start. */
const patience = 20 * 60_000;

export interface MachineOptions {
  /** The folder that scripts/image worked in: its tools tree has QEMU, OVMF and swtpm. */
  readonly work: string;
  readonly name: string;
  /** Port of 127.0.0.1 that leads to the machine's KMIP port. */
  readonly port: number;
  /** The same for its administrators' port. */
  readonly adminPort: number;
}

/** A virtual machine with UEFI in setup mode at first, a TPM of its own and a serial line. */
export class Machine {
  readonly folder: string;
  /** A stick, by its path in the folder of the work; put in at the next start. */
  stick: string | undefined;
  readonly #options: MachineOptions;
  #qemu: ChildProcess | undefined;
  #tpm: ChildProcess | undefined;
  #serial: Socket | undefined;
  #line: Server | undefined;
  #watchers = new Set<Socket>();
  #said = '';
  #waiting: (() => void) | undefined;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.folder = join(options.work, 'vm', options.name);
  }

  /** Makes the machine anew, with `disk` copied and grown to 6 GB. */
  make(disk: string): void {
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(join(this.folder, 'tpm'), { recursive: true });
    this.exchangeDisk(disk);
    this.exchangeBoard();
  }

  exchangeDisk(disk: string): void {
    execFileSync('cp', ['--sparse=always', disk, this.file('disk.raw')]);
    execFileSync('truncate', ['--size=6G', this.file('disk.raw')]);
  }

  /** Another board: its firmware knows no keys, its TPM nothing of the disk. */
  exchangeBoard(): void {
    const tools = join(this.#options.work, 'tools');
    copyFileSync(join(tools, 'usr/share/OVMF/OVMF_VARS_4M.fd'), this.file('vars.fd'));
    rmSync(this.file('tpm'), { recursive: true, force: true });
    mkdirSync(this.file('tpm'));
    const state = `${this.inside}/tpm`;
    this.tool('swtpm_setup', '--tpm2', '--tpmstate', state, '--pcr-banks', 'sha256');
  }

  file(...parts: readonly string[]): string {
    return join(this.folder, ...parts);
  }

  /** The machine's folder as programs of the tools tree see it. */
  get inside(): string {
    return `/w/vm/${this.#options.name}`;
  }

  /** Runs a program of the tools tree; gives what it prints. */
  tool(...words: readonly string[]): string {
    const all = [this.#options.work, ...words];
    return execFileSync(join(root, 'image/tool'), all, { encoding: 'utf8' });
  }

  async start(): Promise<void> {
    const { inside } = this;
    this.#said = '';
    for (const name of ['tpm.sock', 'serial.sock', 'qmp.sock'])
      rmSync(this.file(name), { force: true });
    this.#tpm = this.#run('swtpm', [
      ...['socket', '--tpm2', '--tpmstate', `dir=${inside}/tpm`, '--terminate'],
      ...['--ctrl', `type=unixio,path=${inside}/tpm.sock`],
    ]);
    await until(() => existsSync(this.file('tpm.sock')));
    this.#qemu = this.#run('qemu-system-x86_64', [
      ...[
        '-M',
        'q35,smm=on',
        '-accel',
        'tcg,thread=multi',
        '-cpu',
        'max',
        '-smp',
        '2',
        '-m',
        '2048',
      ],
      ...['-global', 'driver=cfi.pflash01,property=secure,value=on'],
      ...[
        '-drive',
        'if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd',
      ],
      ...['-drive', `if=pflash,format=raw,unit=1,file=${inside}/vars.fd`],
      ...['-drive', `if=none,id=d0,format=raw,file=${inside}/disk.raw,cache=writethrough`],
      ...['-device', 'virtio-blk-pci,drive=d0,bootindex=1'],
      ...this.#stick(),
      ...['-chardev', `socket,id=chrtpm,path=${inside}/tpm.sock`],
      ...['-tpmdev', 'emulator,id=tpm0,chardev=chrtpm', '-device', 'tpm-crb,tpmdev=tpm0'],
      ...['-netdev', `user,id=n0,${this.#forwards()}`],
      ...['-device', 'virtio-net-pci,netdev=n0', '-device', 'virtio-rng-pci'],
      ...['-display', 'none', '-vga', 'std', '-monitor', 'none'],
      ...['-serial', `unix:${inside}/serial.sock,server=on,wait=on`],
      ...['-qmp', `unix:${inside}/qmp.sock,server=on,wait=off`],
    ]);
    await until(() => existsSync(this.file('serial.sock')));
    this.#serial = connect(this.file('serial.sock'));
    this.#serial.on('error', () => {});
    this.#serial.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
      writeFileSync(this.file('serial.log'), text, { flag: 'a' });
      for (const watcher of this.#watchers) watcher.write(text);
      this.#waiting?.();
    });
  }

  /** A terminal of 80 by 25 at the serial line, from now on. */
  terminal(): Screen {
    const path = this.file('line.sock');
    if (this.#line === undefined) {
      rmSync(path, { force: true });
      this.#line = createServer((watcher) => {
        this.#watchers.add(watcher);
        watcher.on('error', () => {}).once('close', () => this.#watchers.delete(watcher));
        watcher.on('data', (typed) => this.#serial?.write(typed));
      }).listen(path);
    }
    const words = [process.execPath, join(import.meta.dirname, 'line.ts'), path];
    return new Screen(words, [80, 25], patience);
  }

  /** What the serial line said, without what moves the cursor. */
  get said(): string {
    return this.#said.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\r/g, '');
  }

  /** Waits for what the serial line shows; gives the match. */
  async until(pattern: RegExp, but?: RegExp): Promise<RegExpExecArray> {
    const deadline = Date.now() + patience;
    for (;;) {
      const { said } = this;
      const found = pattern.exec(said);
      if (found !== null) return found;
      if (but?.test(said) === true)
        throw new Error(`${String(but)} was shown:\n${said.slice(-2000)}`);
      if (this.#qemu?.exitCode !== null) throw new Error(`QEMU ended:\n${said.slice(-2000)}`);
      if (Date.now() > deadline)
        throw new Error(`no ${String(pattern)} came:\n${said.slice(-3000)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 10_000);
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** What was said so far is not looked at any more. */
  forget(): void {
    this.#said = '';
  }

  /** The ESP, which begins at the first mebibyte, as mtools name it. */
  get esp(): string {
    return `${this.inside}/disk.raw@@1M`;
  }

  /** Names of the kernel images on the ESP. */
  kernels(): readonly string[] {
    const listed = this.tool('mdir', '-b', '-i', this.esp, '::/EFI/Linux').trim();
    return listed.split('\n').map((path) => path.slice(path.lastIndexOf('/') + 1));
  }

  type(text: string): void {
    this.#serial?.write(text);
  }

  /** A picture of the screen, as a PNG in the machine's folder. */
  async picture(name: string): Promise<string> {
    const link = connect(this.file('qmp.sock'));
    const filename = `${this.inside}/${name}`;
    link.write('{"execute":"qmp_capabilities"}\n');
    const act = { execute: 'screendump', arguments: { filename, format: 'png' } };
    link.write(`${JSON.stringify(act)}\n`);
    await until(() => existsSync(this.file(name)));
    link.end();
    return this.file(name);
  }

  /** A power cut. */
  async cut(): Promise<void> {
    const ended = [this.#qemu, this.#tpm].map(
      (child) =>
        new Promise((resolve) => {
          const { exitCode = 0, signalCode = null } = child ?? {};
          if (exitCode !== null || signalCode !== null) resolve(undefined);
          else child?.once('exit', resolve);
        }),
    );
    this.#qemu?.kill('SIGKILL');
    this.#serial?.destroy();
    for (const watcher of this.#watchers) watcher.destroy();
    this.#line?.close();
    this.#line = undefined;
    await ended[0];
    this.#tpm?.kill('SIGTERM');
    await ended[1];
  }

  #forwards(): string {
    const { port, adminPort } = this.#options;
    return `hostfwd=tcp:127.0.0.1:${port}-:5696,hostfwd=tcp:127.0.0.1:${adminPort}-:5698`;
  }

  #stick(): string[] {
    if (this.stick === undefined) return [];
    const drive = `if=none,id=d1,format=raw,file=/w/${this.stick}`;
    return ['-drive', drive, '-device', 'qemu-xhci', '-device', 'usb-storage,drive=d1'];
  }

  #run(program: string, words: readonly string[]): ChildProcess {
    return spawn(join(root, 'image/tool'), [this.#options.work, program, ...words], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('a program of the machine did not come up');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
