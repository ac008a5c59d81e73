import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { date } from '../format.ts';

interface Shown {
  readonly sha1: string;
  readonly sha256: string;
  /** Seconds since 1970. */
  readonly notAfter: number;
  readonly pem: string;
}

/** What this node shows its clients, and what it will. */
export async function show({ admin, print }: Context): Promise<void> {
  const { server, next, authority } = await admin.certificates();
  const found = {
    server: shown(server),
    ...(next === undefined ? {} : { next: shown(next) }),
    authority: shown(authority),
  };
  print(found, () =>
    Object.entries(found)
      .flatMap(([what, each]) => [what, ...lines(each)])
      .join('\n'),
  );
}

/** Makes the next certificate, which nobody is shown yet. */
export async function renew(
  { admin, print }: Context,
  { out }: { readonly out?: string },
): Promise<void> {
  const { next = '' } = await admin.renewCertificate();
  if (out !== undefined) writeFileSync(out, next);
  print({ next: shown(next) }, () =>
    [
      'the next certificate is made, for the same key; nobody is shown it yet:',
      ...lines(shown(next)),
      'give it to each vCenter: twinlock vcenter trust VCENTER, or upload it there; then:',
      'twinlock certificate activate',
    ].join('\n'),
  );
}

/** Shows the next certificate from now on. */
export async function activate({ admin, print }: Context): Promise<void> {
  const { server } = await admin.activateCertificate();
  print({ server: shown(server) }, () =>
    ['new connections are shown:', ...lines(shown(server))].join('\n'),
  );
}

function shown(pem: string): Shown {
  const { fingerprint: sha1, fingerprint256: sha256, validTo } = new X509Certificate(pem);
  return { sha1, sha256, notAfter: Date.parse(validTo) / 1000, pem };
}

function lines({ sha1, sha256, notAfter }: Shown): readonly string[] {
  return [`  SHA-1    ${sha1}`, `  SHA-256  ${sha256}`, `  ends     ${date(notAfter)}`];
}

export const commands: readonly Command[] = [
  {
    name: 'certificate show',
    what: 'what this node shows its clients, and what a renewal will',
    run: (context) => show(context),
  },
  {
    name: 'certificate renew',
    what: 'make the next certificate for the same key; it is not shown yet',
    options: [{ flags: '--out <file>', what: 'write it here too, PEM' }],
    run: (context, _, options: { readonly out?: string }) => renew(context, options),
  },
  {
    name: 'certificate activate',
    what: 'show the next certificate on new connections',
    run: (context) => activate(context),
  },
];
