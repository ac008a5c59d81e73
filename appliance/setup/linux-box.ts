import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceFile } from '../disk/durable-file.ts';
import type { SetupAnswers } from './answers.ts';
import { portNames } from './box.ts';
import type { Box, BoxChecks, BoxFile, BoxPorts, PortName } from './box.ts';
import { SetupError } from './error.ts';
import { clockOffset } from './time-server.ts';

/** Milliseconds that a program of the system may take, and a time server. */
const programPatience = 30_000;
const timePatience = 3_000;
/** The same while a whole version is checked and written. */
const updatePatience = 3_600_000;
/** Below the root: what an update takes, and what the last one said. */
const updateProgram = 'usr/lib/twinlock/update';
const updateSaid = 'run/twinlock-update.said';
/** Below the root: the ports that were opened, a name a line; the folder is there in the image. */
const portsFile = 'etc/twinlock/ports/opened';

/** Runs a program of the system; gives whether it ended well. */
export type RunProgram = (
  name: string,
  words: readonly string[],
  patience?: number,
) => Promise<boolean>;

/** A box with systemd-networkd and chrony, whose files lie under `root`. */
export class LinuxBox implements Box {
  readonly checks: BoxChecks;
  readonly ports?: BoxPorts;
  readonly update?: () => Promise<string>;
  readonly #root: string;
  readonly #run: RunProgram;

  constructor(root: string, run: RunProgram = runProgram) {
    this.#root = root;
    this.#run = run;
    this.checks = {
      addressFree: (name, address) => addressFree(run, name, address),
      gateway: (address) => gatewayAnswers(run, address),
      timeServer: (server, now) => clockOffset(server, { now, patience: timePatience }),
    };
    if (existsSync(join(root, updateProgram))) this.update = () => this.#update();
    if (!existsSync(dirname(join(root, portsFile)))) return;
    this.ports = {
      opened: () => openedIn(join(root, portsFile)),
      open: async (names) => {
        await this.write([{ path: portsFile, text: names.map((name) => `${name}\n`).join('') }]);
        await this.#must('systemctl', ['restart', 'twinlock-ports.service']);
      },
    };
  }

  interfaces(): readonly string[] {
    return readdirSync('/sys/class/net').filter((name) => name !== 'lo');
  }

  write(files: readonly BoxFile[]): Promise<void> {
    for (const { path, text } of files) {
      const target = join(this.#root, path);
      mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
      replaceFile(target, Buffer.from(text), 0o644);
    }
    return Promise.resolve();
  }

  async apply({ network, name, time }: SetupAnswers): Promise<void> {
    if (name !== undefined) await this.#must('hostnamectl', ['set-hostname', name]);
    if (network !== undefined) {
      await this.#must('networkctl', ['reload']);
      await this.#must('networkctl', ['reconfigure', network.interface]);
    }
    if (time !== undefined) await this.#must('systemctl', ['restart', 'chrony.service']);
  }

  async #update(): Promise<string> {
    const isWell = await this.#run(
      'systemctl',
      ['start', 'twinlock-update.service'],
      updatePatience,
    );
    const said = join(this.#root, updateSaid);
    const lines = existsSync(said) ? readFileSync(said, 'utf8').trim().split('\n') : [];
    if (isWell) return lines.at(-1) ?? '';
    const [, message = 'the update did not go through'] =
      /^error: (.*)$/.exec(lines.findLast((line) => line.startsWith('error: ')) ?? '') ?? [];
    const [, hint = 'F8 shows its log'] = /^hint: (.*)$/.exec(lines.at(-1) ?? '') ?? [];
    throw new SetupError('box', message, hint);
  }

  async #must(name: string, words: readonly string[]): Promise<void> {
    if (await this.#run(name, words)) return;
    const message = `${name} ${words.join(' ')} failed`;
    throw new SetupError('box', message, 'mend it and do this again: no key was made or lost');
  }
}

function openedIn(path: string): readonly PortName[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return portNames.filter((name) => lines.includes(name));
}

async function addressFree(run: RunProgram, name: string, address: string): Promise<void> {
  const ip = address.split('/')[0] ?? '';
  // arping asks by ARP, which is of IPv4; for IPv6 the kernel looks itself (RFC 4862).
  if (ip.includes(':')) return;
  if (await run('arping', ['-D', '-q', '-c', '2', '-w', '3', '-I', name, ip])) return;
  const hint = 'another machine answers for it, or the cable is not plugged in';
  throw new SetupError('network', `${ip} is taken`, hint);
}

async function gatewayAnswers(run: RunProgram, address: string): Promise<void> {
  if (await run('ping', ['-c', '1', '-W', '2', address])) return;
  const hint = 'it may not want to answer, or is the wrong one, or the network is not up yet';
  throw new SetupError('network', `the gateway ${address} does not answer a ping`, hint);
}

function runProgram(
  name: string,
  words: readonly string[],
  patience = programPatience,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    execFile(name, words, { timeout: patience }, (error) => {
      // What is not there has looked at nothing, and must not be taken for a bad answer.
      const isMissing = error !== null && error.code === 'ENOENT';
      if (isMissing) reject(new SetupError('box', `${name} is not installed`, 'install it'));
      else resolve(error === null);
    });
  });
}
