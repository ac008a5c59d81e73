import type { StatusView } from '../../admin/schema.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { memberText } from '../recovery-member.ts';

export async function status({ admin, print }: Context): Promise<void> {
  const found = await admin.status();
  print(found, () => {
    const { rootKey, endpoint, fingerprints } = found;
    const proven =
      rootKey.provenSeconds === undefined
        ? 'not yet proven'
        : `proven ${rootKey.provenSeconds} s ago`;
    return [
      found.state,
      `KMIP endpoint   ${endpoint ?? 'none: no wrapping key is open'}`,
      ...(fingerprints === undefined
        ? []
        : [`SHA-1           ${fingerprints.sha1}`, `SHA-256         ${fingerprints.sha256}`]),
      `root key        ${rootKey.state}, ${tokenText(rootKey)}, ${proven}`,
      ...(found.wrappingKey.left === undefined
        ? []
        : [`rotation        ${found.wrappingKey.left} secrets to be sealed anew`]),
      `recovery        ${recoveryText(found.recovery)}`,
      ...(found.backup === undefined ? [] : [`backup          ${backupText(found.backup)}`]),
      `keys            ${found.keys}${singleText(found.singleCopies ?? 0)}`,
      `clients         ${found.clients} allowed, ${found.connections} connections now`,
      ...found.warnings.map((warning) => `warning         ${warning}`),
    ].join('\n');
  });
}

function singleText(count: number): string {
  return count === 0 ? '' : `, ${count} with a single copy: twinlock key list`;
}

function backupText({ verified, failed }: NonNullable<StatusView['backup']>): string {
  if (failed !== null) return `failed ${ago(failed.seconds)} ago: ${failed.reason}`;
  if (verified === null) return 'none was ever made';
  return `read back ${ago(verified.seconds)} ago, ${verified.keys} keys`;
}

function ago(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  if (hours === 0) return `${Math.floor(seconds / 60)} min`;
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

function tokenText({ name, token, vendor }: StatusView['rootKey']): string {
  const known = [name, vendor].filter((each) => each !== undefined);
  return token === undefined ? 'no token' : `${token} (${known.join(', ')})`;
}

function recoveryText(recovery: StatusView['recovery']): string {
  if (recovery === null) return 'none';
  return recovery.members.map((member) => memberText(member)).join('; ');
}

export const commands: readonly Command[] = [
  { name: 'status', what: 'how the appliance is', run: (context) => status(context) },
];
