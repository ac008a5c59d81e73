import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { date, table } from '../format.ts';
import { asked } from '../keeper.ts';

/** Sets the passphrase of the console's menus; the old one is asked for where there is one. */
export async function set(
  context: Context,
  { passphraseFile, oldFile }: { passphraseFile?: string; oldFile?: string },
): Promise<void> {
  const { keeper, secret, print } = context;
  const wanted = async (question: string, file: string | undefined): Promise<Buffer> => {
    const typed = await secret(question, file);
    if (typed !== undefined) return typed;
    const hint = 'at a terminal, or with --passphrase-file and --old-file';
    throw new CommandError('bad-request', 'a passphrase is needed', hint);
  };
  const isSet = await asked(keeper, (console) => console.hasAdministrator());
  const old = isSet ? await wanted('old passphrase: ', oldFile) : Buffer.alloc(0);
  const passphrase = await wanted('new passphrase: ', passphraseFile);
  await asked(keeper, (console) => console.setAdministrator(passphrase, old));
  print({ set: true }, () => 'the passphrase is set; F2 at the console asks for it');
}

export async function list({ admin, print }: Context): Promise<void> {
  const found = await admin.administrators();
  print(found, () =>
    table(
      ['NAME', 'ROLE', 'STATE', 'EXPIRES', 'FINGERPRINT'],
      found.administrators.map((each) => [
        each.name,
        each.role,
        each.state,
        date(each.notAfter).slice(0, 10),
        each.fingerprint.slice(0, 16),
      ]),
    ),
  );
}

/** Gives a certificate a role, or makes a key pair and writes what is needed elsewhere. */
export async function add(
  { admin, print }: Context,
  options: { name: string; role: string; cert?: string; out?: string },
): Promise<void> {
  const { name, role, cert, out } = options;
  if ((cert === undefined) === (out === undefined)) {
    const hint = '--cert FILE for a certificate, --out DIR for a new key pair';
    throw new CommandError('bad-request', 'give one of --cert and --out', hint);
  }
  const files = out === undefined ? undefined : identityFiles(out);
  const certificate = cert === undefined ? {} : { certificate: readPem(cert) };
  const added = await admin.addAdministrator({ name, role, ...certificate });
  if (files !== undefined) {
    writeFileSync(files.key, added.key ?? '', { mode: 0o600, flag: 'wx' });
    writeFileSync(files.cert, added.certificate, { flag: 'wx' });
    writeFileSync(files.ca, added.server, { flag: 'wx' });
  }
  print(added.administrator, () => {
    const where = out === undefined ? '' : `; twinlock --node ADDRESS --identity ${out}`;
    return `${name} may administer as ${role} from elsewhere${where}`;
  });
}

export async function block({ admin, print }: Context, nameOrId: string): Promise<void> {
  const found = await admin.blockAdministrator(nameOrId);
  print(found, () => `${found.name} is shut out on every node`);
}

export async function allow(
  { admin, print }: Context,
  nameOrId: string,
  { role }: { role?: string },
): Promise<void> {
  const found = await admin.allowAdministrator(nameOrId, role);
  print(found, () => `${found.name} is let in as ${found.role}`);
}

/** Where a new identity goes; a folder that has one already is left alone. */
function identityFiles(folder: string): { key: string; cert: string; ca: string } {
  const [key, cert, ca] = ['key.pem', 'cert.pem', 'ca.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const taken = [key, cert, ca].find((path) => existsSync(path));
  if (taken !== undefined) {
    throw new CommandError('refused', `${taken} is there already`, 'choose another --out');
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return { key, cert, ca };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CommandError('bad-request', `${path} cannot be read`, 'name a PEM file', { cause });
  }
}

const roleOption = 'auditor (reads), operator (runs the node) or officer (decides who gets keys)';

export const commands: readonly Command[] = [
  {
    name: 'administrator list',
    what: 'who administers from elsewhere, and as what',
    run: (context) => list(context),
  },
  {
    name: 'administrator add',
    what: 'give a certificate a role, or make a key pair for it',
    options: [
      { flags: '--name <name>', what: 'what the audit calls the administrator', required: true },
      { flags: '--role <role>', what: roleOption, required: true },
      { flags: '--cert <file>', what: 'the certificate, PEM' },
      { flags: '--out <dir>', what: 'make a key pair and write it here, with the node’s own' },
    ],
    run: (context, _, options: Parameters<typeof add>[1]) => add(context, options),
  },
  {
    name: 'administrator block',
    parameters: ['<administrator>'],
    what: 'shut one out, ending the connections',
    run: (context, [administrator = '']) => block(context, administrator),
  },
  {
    name: 'administrator allow',
    parameters: ['<administrator>'],
    what: 'let a blocked one in, or give another role',
    options: [{ flags: '--role <role>', what: roleOption }],
    run: (context, [administrator = ''], options: Parameters<typeof allow>[2]) =>
      allow(context, administrator, options),
  },
  {
    name: 'administrator set',
    what: 'set the passphrase of the console’s menus; it opens no key',
    options: [
      { flags: '--passphrase-file <file>', what: 'its first line is the new one' },
      { flags: '--old-file <file>', what: 'its first line is the old one' },
    ],
    run: (context, _, options: Parameters<typeof set>[1]) => set(context, options),
  },
];
