import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientView } from '../../admin/schema.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { date, table } from '../format.ts';

export async function list({ admin, print }: Context): Promise<void> {
  const found = await admin.clients();
  print(found, () =>
    table(
      ['NAME', 'GROUP', 'STATE', 'EXPIRES', 'FINGERPRINT'],
      found.clients.map((c) => [
        c.name,
        c.group,
        c.state,
        date(c.notAfter).slice(0, 10),
        c.fingerprint.slice(0, 16),
      ]),
    ),
  );
}

/** Enrols a certificate, or makes a key pair and writes it to a folder. */
export async function add(
  { admin, print }: Context,
  options: { name: string; group: string; cert?: string; out?: string },
): Promise<void> {
  const { name, group, cert, out } = options;
  if ((cert === undefined) === (out === undefined)) {
    const hint = '--cert FILE for a certificate, --out DIR for a new key pair';
    throw new CommandError('bad-request', 'give one of --cert and --out', hint);
  }
  if (cert !== undefined) {
    const added = await admin.addClient({ name, group, certificate: readText(cert) });
    print(added.client, () => said(added.client, 'is enrolled'));
    return;
  }
  const folder = out ?? '.';
  const file = (part: string): string => join(folder, part);
  const taken = ['ca.pem', 'cert.pem', 'key.pem'].map(file).find((path) => existsSync(path));
  if (taken !== undefined) {
    throw new CommandError('refused', `${taken} is there already`, 'choose another --out');
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const added = await admin.addClient({ name, group });
  writeFileSync(file('key.pem'), added.key ?? '', { mode: 0o600, flag: 'wx' });
  writeFileSync(file('cert.pem'), added.certificate, { flag: 'wx' });
  writeFileSync(file('ca.pem'), added.authority, { flag: 'wx' });
  print(added.client, () => said(added.client, `is enrolled; its files are in ${folder}`));
}

/** Everything that vCenter is given for a key pair that is made here, and what to do with it. */
export async function bundle(
  context: Context,
  { name, group, out }: { name: string; group: string; out: string },
): Promise<void> {
  const { server } = await context.admin.certificates();
  const { endpoint, fingerprints } = await context.admin.status();
  await add({ ...context, print: () => undefined }, { name, group, out });
  writeFileSync(join(out, 'server.pem'), server, { flag: 'wx' });
  const steps = bundleSteps(endpoint ?? '', fingerprints?.sha256 ?? '');
  writeFileSync(join(out, 'README.txt'), `${steps.join('\n')}\n`, { flag: 'wx' });
  const files = ['cert.pem', 'key.pem', 'ca.pem', 'server.pem', 'README.txt'];
  context.print({ name, group, folder: out, files }, () => [`in ${out}:`, ...steps].join('\n'));
}

/** The steps of "upload certificate and private key", in vCenter's own words. */
function bundleSteps(endpoint: string, sha256: string): readonly string[] {
  return [
    'key.pem is the only copy of this private key: delete this folder when vCenter has it.',
    `1. Key Providers, Add, Standard Key Provider: ${endpoint}, and the other node's address.`,
    '2. Trust: the certificate shown must have this SHA-256 fingerprint (it is server.pem):',
    `   ${sha256}`,
    '   The other node shows its own: twinlock status there. Both are signed by ca.pem.',
    '3. Establish Trust, Make KMS trust vCenter, KMS certificate and private key:',
    '   upload cert.pem, then key.pem.',
  ];
}

/** Trusts an authority, such as vCenter's root, so far that its certificates wait for a person. */
export async function addAuthority(
  { admin, print }: Context,
  { name, group, cert }: { name: string; group: string; cert: string },
): Promise<void> {
  const added = await admin.addAuthority({ name, group, certificate: readText(cert) });
  print(added, () =>
    [
      said(added, 'is an authority: what it signed waits when it comes'),
      'then: twinlock client list, and twinlock client allow NAME for those that you know',
    ].join('\n'),
  );
}

export async function signCsr(
  { admin, print }: Context,
  options: { csr: string; name?: string; group: string; out?: string },
): Promise<void> {
  const { csr, name, group, out } = options;
  const body = { request: readText(csr), group, ...(name === undefined ? {} : { name }) };
  const added = await admin.signRequest(body);
  if (out !== undefined) writeFileSync(out, added.certificate);
  const shown = { ...added.client, certificate: added.certificate };
  print(shown, () =>
    out === undefined
      ? added.certificate.trimEnd()
      : said(added.client, `is enrolled; its certificate is in ${out}`),
  );
}

export async function block({ admin, print }: Context, nameOrId: string): Promise<void> {
  const client = await admin.blockClient(nameOrId);
  print(client, () => said(client, 'is blocked; its connections were ended'));
}

export async function allow({ admin, print }: Context, nameOrId: string): Promise<void> {
  const client = await admin.allowClient(nameOrId);
  print(client, () => said(client, 'is allowed'));
}

function said(client: ClientView, what: string): string {
  return `client ${client.name} of group ${client.group} ${what}`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CommandError('bad-request', `${path} cannot be read`, 'name a PEM file', { cause });
  }
}

const groupOption = { flags: '--group <group>', what: 'key group', default: 'default' };

export const commands: readonly Command[] = [
  {
    name: 'client list',
    what: 'clients with group, state, expiry',
    run: (context) => list(context),
  },
  {
    name: 'client add',
    what: 'let a certificate in, or make a key pair',
    options: [
      { flags: '--name <name>', what: 'what it is called here', required: true },
      groupOption,
      { flags: '--cert <file>', what: 'its certificate, PEM' },
      { flags: '--out <dir>', what: 'make a key pair and write it here' },
    ],
    run: (context, _, options: Parameters<typeof add>[1]) => add(context, options),
  },
  {
    name: 'client bundle',
    what: 'make a key pair, with all that vCenter needs beside it and the steps to take',
    options: [
      { flags: '--name <name>', what: 'what it is called here', required: true },
      groupOption,
      { flags: '--out <dir>', what: 'where its files go', required: true },
    ],
    run: (context, _, options: Parameters<typeof bundle>[1]) => bundle(context, options),
  },
  {
    name: 'client add-authority',
    what: 'have certificates of an authority, such as vCenter’s root, wait for a person',
    options: [
      { flags: '--name <name>', what: 'what it is called here', required: true },
      groupOption,
      { flags: '--cert <file>', what: 'its certificate, PEM', required: true },
    ],
    run: (context, _, options: Parameters<typeof addAuthority>[1]) =>
      addAuthority(context, options),
  },
  {
    name: 'client sign-csr',
    what: 'sign a certificate request, such as vCenter’s, and let it in',
    options: [
      { flags: '--csr <file>', what: 'PKCS#10, PEM', required: true },
      { flags: '--name <name>', what: 'what it is called here' },
      groupOption,
      { flags: '--out <file>', what: 'where the certificate goes' },
    ],
    run: (context, _, options: Parameters<typeof signCsr>[1]) => signCsr(context, options),
  },
  {
    name: 'client block',
    parameters: ['<client>'],
    what: 'shut a client out, cutting its live connections',
    run: (context, [client = '']) => block(context, client),
  },
  {
    name: 'client allow',
    parameters: ['<client>'],
    what: 'let a blocked or pending client in',
    run: (context, [client = '']) => allow(context, client),
  },
];
