import { readFileSync } from 'node:fs';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { date, table } from '../format.ts';
import { IdentityFiles } from '../identity-files.ts';
import { asked } from '../keeper.ts';
import { makeIdentityFor } from './identity.ts';

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
  options: { name: string; role: string; cert?: string; knock?: string; out?: string },
): Promise<void> {
  const { name, role, cert, knock, out } = options;
  if ([cert, knock, out].filter((each) => each !== undefined).length !== 1) {
    const hint =
      '--cert FILE or --knock FINGERPRINT for a certificate, --out DIR for a new key pair';
    throw new CommandError('bad-request', 'give one of --cert, --knock and --out', hint);
  }
  const files = out === undefined ? undefined : new IdentityFiles(out);
  const certificate = cert !== undefined ? readPem(cert) : await knockOf(admin, knock);
  const given = certificate === undefined ? {} : { certificate };
  const added = await admin.addAdministrator({ name, role, ...given });
  files?.write({ ...added, key: added.key ?? '' });
  print(added.administrator, () => {
    const where = out === undefined ? '' : `; twinlock --node ADDRESS --identity ${out}`;
    return `${name} may administer as ${role} from elsewhere${where}`;
  });
}

/** Who has come to the admin port with a certificate that has no role. */
export async function knocks({ admin, print }: Context): Promise<void> {
  const found = await admin.knocks();
  print(found, () =>
    table(
      ['SAYS TO BE', 'FROM', 'WHEN', 'SHA-256'],
      found.knocks.map((each) => [each.name, each.address, date(each.time), each.fingerprint]),
    ),
  );
}

/** The whole fingerprint, with colons or without: a part of one is soon made by somebody else. */
async function knockOf(
  admin: Context['admin'],
  fingerprint: string | undefined,
): Promise<string | undefined> {
  if (fingerprint === undefined) return undefined;
  const wanted = fingerprint.replaceAll(':', '').toLowerCase();
  const found = (await admin.knocks()).knocks.find((each) => each.fingerprint === wanted);
  if (found !== undefined) return found.certificate;
  const hint = 'see `twinlock administrator knocks`; who has waited long shows it again';
  throw new CommandError('not-found', 'nobody has shown this certificate', hint);
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
      { flags: '--knock <fingerprint>', what: 'the certificate that was shown at the admin port' },
      { flags: '--out <dir>', what: 'make a key pair and write it here, with the node’s own' },
    ],
    run: (context, _, options: Parameters<typeof add>[1]) => add(context, options),
  },
  {
    name: 'administrator knocks',
    what: 'who showed the admin port a certificate that has no role',
    run: (context) => knocks(context),
  },
  {
    name: 'administrator identity',
    parameters: ['<address>'],
    what: 'make a key pair here and show its certificate to a node, for its console',
    options: [
      { flags: '--name <name>', what: 'what the console is told of it', required: true },
      { flags: '--out <dir>', what: 'where it goes, with the node’s own', required: true },
      { flags: '--fingerprint <sha256>', what: 'the node’s, as its console shows it' },
    ],
    run: (context, [address = ''], options: Parameters<typeof makeIdentityFor>[2]) =>
      makeIdentityFor(context, address, options),
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
