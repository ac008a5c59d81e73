import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import type { Screen } from '../harness/screen.ts';
import { openMenu } from './set-up.ts';

const twinlock = join(import.meta.dirname, '..', '..', 'scripts', 'twinlock');

/** What the world outside a machine has: a folder, and the ports that lead into it. */
export interface Outside {
  readonly folder: string;
  readonly port: number;
  readonly adminPort: number;
}

/** A command of the administrator's, from another machine. Throws where it fails. */
export async function administer(outside: Outside, ...words: readonly string[]): Promise<string> {
  const node = ['--node', `127.0.0.1:${outside.adminPort}`];
  const all = [...node, '--identity', join(outside.folder, 'anna'), ...words];
  const { code, stdout, stderr } = await command(twinlock, all);
  if (code !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
  return stdout;
}

/** At the console: opens the port for administrators, and lets one in who showed a certificate. */
export async function letAdministratorIn(screen: Screen, outside: Outside): Promise<void> {
  const idle = await screen.until(/SHA-256 +[\dA-F:]{47}\s+[\dA-F:]{47}/);
  const shown = /SHA-256 +([\dA-F:]{47})\s+([\dA-F:]{47})/.exec(idle.join('\n')) ?? [];
  await openMenu(screen);
  screen.press('8');
  await screen.until(/admin: closed/);
  screen.press('1');
  await screen.until(/admin: open/);
  screen.press('Escape');
  await screen.until(/Let an administrator in/);
  mkdirSync(outside.folder, { recursive: true });
  const { code, stderr } = await command(twinlock, [
    ...['administrator', 'identity', `127.0.0.1:${outside.adminPort}`, '--name', 'anna'],
    ...['--out', join(outside.folder, 'anna'), '--fingerprint', `${shown[1]}:${shown[2]}`],
  ]);
  if (code !== 0) throw new Error(stderr);
  screen.press('5');
  await screen.until(/anna +from /);
  screen.press('Enter');
  await screen.until(/make its holder a security officer/);
  screen.type('y');
  await screen.until(/anna is a security officer from elsewhere now/);
  screen.press('Escape');
  await screen.until(/4 +Invite a second node/);
  screen.press('Escape');
  await screen.until(/<F2> Configure/);
}

/** A KMIP client whose key was made outside, let in by the administrator. */
export async function addClient(outside: Outside, name: string): Promise<KmipClient> {
  const folder = join(outside.folder, name);
  mkdirSync(folder, { recursive: true });
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const make = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30'];
  execFileSync('openssl', [...make, '-subj', `/CN=${name}`, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  await administer(outside, 'client', 'add', '--name', name, '--cert', cert);
  return clientOf(outside, name);
}

export function clientOf({ folder, port }: Outside, name: string): KmipClient {
  const file = (...parts: readonly string[]): string => join(folder, ...parts);
  return new KmipClient({ host: '127.0.0.1', port, file }, name);
}
