import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  Authority,
  makeAuthorityCertificate,
  makePrivateKey,
} from '../../appliance/pki/authority.ts';

const surroundings = {
  now: () => Math.floor(Date.now() / 1000),
  random: (n: number) => randomBytes(n),
};

/** A real rsyslog that takes messages over TLS and writes them to a file. */
export class Rsyslog {
  readonly port: number;
  readonly ca: string;
  readonly #folder: string;
  #child: ChildProcess | undefined;

  private constructor(folder: string, port: number, ca: string) {
    this.#folder = folder;
    this.port = port;
    this.ca = ca;
  }

  /** Makes its certificate and configuration; `start` starts it. */
  static async make(folder: string): Promise<Rsyslog> {
    const key = createPrivateKey({ key: makePrivateKey('rsa'), format: 'der', type: 'pkcs8' });
    const ca = makeAuthorityCertificate(key, 'Syslog authority', surroundings);
    const authority = new Authority(ca, key, surroundings);
    const own = createPrivateKey({ key: makePrivateKey('rsa'), format: 'der', type: 'pkcs8' });
    const file = (name: string): string => join(folder, name);
    writeFileSync(file('ca.pem'), ca);
    writeFileSync(file('key.pem'), own.export({ format: 'pem', type: 'pkcs8' }));
    const names = ['localhost', '127.0.0.1'];
    writeFileSync(file('cert.pem'), authority.serverCertificate(createPublicKey(own), names));
    const port = await freePort();
    const lines = [
      `global(workDirectory="${folder}" defaultNetstreamDriver="gtls"`,
      ` defaultNetstreamDriverCAFile="${file('ca.pem')}"`,
      ` defaultNetstreamDriverCertFile="${file('cert.pem')}"`,
      ` defaultNetstreamDriverKeyFile="${file('key.pem')}")`,
      'module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1"',
      ' streamDriver.authMode="anon")',
      'template(name="all" type="string" string="%rawmsg%\\n")',
      `input(type="imtcp" address="127.0.0.1" port="${port}")`,
      `action(type="omfile" file="${file('received')}" template="all")`,
    ];
    writeFileSync(file('rsyslog.conf'), `${lines.join('\n')}\n`);
    return new Rsyslog(folder, port, ca);
  }

  start(): void {
    const file = (name: string): string => join(this.#folder, name);
    const parameters = ['-n', '-f', file('rsyslog.conf'), '-i', file('pid')];
    this.#child = spawn('/usr/sbin/rsyslogd', parameters, { stdio: 'ignore' });
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  /** The messages that it has written. */
  received(): string[] {
    const path = join(this.#folder, 'received');
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
