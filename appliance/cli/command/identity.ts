import { randomBytes, X509Certificate } from 'node:crypto';
import { shownCertificate, TransportError } from '../../admin/transport.ts';
import { makeIdentity } from '../../pki/authority.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { IdentityFiles } from '../identity-files.ts';
import { endpoint } from '../node-elsewhere.ts';

/**
 * Makes a key pair where the administrator sits, and shows its certificate to the node once, so
 * that somebody at the node's console can give it a role. Nothing secret leaves this machine.
 */
export async function makeIdentityFor(
  context: Context,
  address: string,
  { name, out, fingerprint }: { name: string; out: string; fingerprint?: string },
): Promise<void> {
  const files = new IdentityFiles(out);
  const { key, certificate } = makeIdentity(name, { now: context.now, random: randomBytes });
  const { host, port } = endpoint(address);
  const server = await shownCertificate({ host, port, key, certificate }).catch(
    (error: unknown) => {
      if (!(error instanceof TransportError)) throw error;
      const hint = 'see server.admin_listen there';
      const message = `the node cannot be reached at ${host}:${port}: ${error.message}`;
      throw new CommandError('not-reachable', message, hint, { cause: error });
    },
  );
  await compared(context, new X509Certificate(server).fingerprint256, fingerprint);
  files.write({ key, certificate, server });
  const own = new X509Certificate(certificate).fingerprint256;
  context.print({ name, fingerprint: own, out }, () =>
    [
      `${out} has the identity of ${name}; it has no role yet. At the node:`,
      '  on its console: F2, Let an administrator in',
      `  or as root: twinlock administrator add --name ${name} --role officer --knock FINGERPRINT`,
      `and there is to stand the same as here, SHA-256`,
      `  ${own}`,
    ].join('\n'),
  );
}

/** Whether the node is the one on whose console this fingerprint stands: a person says it. */
async function compared(
  { ask }: Context,
  shown: string,
  expected: string | undefined,
): Promise<void> {
  const plain = (text: string): string => text.replaceAll(':', '').toLowerCase();
  if (expected !== undefined) {
    if (plain(expected) === plain(shown)) return;
    const hint = 'somebody may be in between: compare it with the node’s console';
    throw new CommandError('refused', `the node shows SHA-256 ${shown}`, hint);
  }
  const typed = await ask(
    `the node shows SHA-256\n  ${shown}\nis this on its console, too (yes/no)? `,
  );
  if (typed === 'yes') return;
  const hint = 'compare it with the node’s console, or give it with --fingerprint';
  throw new CommandError('refused', 'nobody has compared the fingerprints', hint);
}
