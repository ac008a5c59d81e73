import { isDeepStrictEqual } from 'node:util';
import {
  administratorView,
  auditCheck,
  auditEntryView,
  backupView,
  clientView,
  conflictView,
  copyPolicy,
  groupView,
  invitationView,
  keptKeys,
  keyList,
  keyView,
  knockView,
  madeView,
  peersView,
  restoredView,
  statusView,
  verifiedView,
  z,
} from '../../appliance/admin/schema.ts';
import type { Ended } from './appliance.ts';

const text = z.string();
const number = z.number();
const shownCertificate = z.object({ sha256: text, sha1: text, notAfter: number, pem: text });
const rootKey = z.object({ rootKey: text, token: text.optional() });
const generation = text.regex(/^[\da-f]{32}$/);
const member = z.object({
  ...{ id: text, kind: z.enum(['shares', 'token']), made: number, proven: number.nullable() },
  ...{ threshold: number.optional(), shares: number.optional() },
  ...{ token: text.optional(), device: text.optional() },
});
const rootHolder = z.object({
  ...{ keyId: text, holds: z.enum(['in use', 'rotated away', 'joining']) },
  ...{ token: text.optional(), device: text.optional() },
  ...{ state: text.optional(), vendor: text.optional() },
});
const keyHolders = z.object({
  ...{ name: text, cluster: text.optional(), roots: z.array(rootHolder) },
  peers: z.array(z.object({ node: text, name: text })),
  ...{ recovery: z.array(member).optional(), backups: text.optional(), journal: text.optional() },
});
const token = z.object({
  ...{ state: text, root: z.boolean() },
  ...{ name: text.optional(), label: text.optional(), module: text.optional() },
  ...{ serial: text.optional(), vendor: text.optional() },
  pinTries: z.enum(['fewer', 'one', 'none']).optional(),
});
const keyUse = z.object({
  ...{ key: text, used: z.boolean(), machines: z.array(text), hosts: z.array(text) },
});
const ages = z.object({
  ...{ component: text, keys: number, current: number, due: number, oldestDays: number },
  byAge: z.array(number),
});

/** What each command prints with --json. `lines`: one such value in each line. */
export const answers: Readonly<Record<string, z.ZodType>> = {
  status: statusView,
  seal: z.object({ sealed: z.literal(true) }),
  unseal: z.object({ sealed: z.literal(false) }),
  holders: keyHolders.extend({
    files: z.array(z.object({ file: text, made: number })).nullable(),
  }),
  shred: z.object({
    ...{ shredded: z.literal(true), left: z.array(rootHolder), toDo: z.array(text) },
  }),
  restore: restoredView,
  setup: z.object({
    ...{ set: z.literal(true), node: text, endpoint: text.nullable(), next: text },
  }),
  completion: z.object({ shell: z.enum(['bash', 'zsh', 'fish']), script: text }),
  'administrator list': z.object({ administrators: z.array(administratorView) }),
  'administrator add': administratorView,
  'administrator knocks': z.object({ knocks: z.array(knockView) }),
  'administrator identity': z.strictObject({
    name: z.string(),
    fingerprint: z.string().regex(/^([\dA-F]{2}:){31}[\dA-F]{2}$/),
    out: z.string(),
  }),
  'administrator block': administratorView,
  'administrator allow': administratorView,
  'administrator set': z.object({ set: z.literal(true) }),
  'audit verify': auditCheck,
  'audit export': auditEntryView,
  'audit tail': auditEntryView,
  'certificate show': z.object({
    ...{ server: shownCertificate, next: shownCertificate.optional() },
    authority: shownCertificate,
  }),
  'certificate renew': z.object({ next: shownCertificate }),
  'certificate activate': z.object({ server: shownCertificate }),
  'client list': z.object({ clients: z.array(clientView) }),
  'client add': clientView,
  'client bundle': z.object({ name: text, group: text, folder: text, files: z.array(text) }),
  'client add-authority': clientView,
  'client sign-csr': clientView.extend({ certificate: text }),
  'client block': clientView,
  'client allow': clientView,
  'conflict list': z.object({ conflicts: z.array(conflictView) }),
  'conflict acknowledge': conflictView,
  'group list': z.object({ groups: z.array(text) }),
  'group make': z.object({ group: text }),
  'group show': groupView,
  'group clear': groupView,
  'group add-configurer': groupView,
  'group remove-configurer': groupView,
  'key list': keyList.omit({ scanned: true }),
  'key age': z.object({ olderThan: number, due: number, ages: z.array(ages) }),
  'key show': keyView,
  'key destroy': keyView,
  'key undestroy': keyView,
  'key purge': keptKeys,
  'key retention': z.object({ retention: number }),
  'peer invite': invitationView,
  'peer confirm': z.object({ joined: z.object({ node: text, name: text }) }),
  'peer join': z.object({
    ...{ joined: z.literal(true), node: text, cluster: text, endpoint: text, keys: number },
  }),
  'peer status': peersView,
  'peer remove': z.object({ removed: text, generation }),
  'peer replace': invitationView,
  'peer policy': copyPolicy,
  'backup create': madeView,
  'backup verify': verifiedView,
  'backup list': z.object({ backups: z.array(backupView) }),
  'database accept-loss': z.object({ accepted: z.literal(true) }),
  'root create': rootKey,
  'root rotate': rootKey,
  'support list': z.object({ parts: z.array(z.object({ name: text, what: text })) }),
  'support bundle': z.object({
    out: text,
    parts: z.array(z.object({ name: text, bytes: number, failed: text.optional() })),
  }),
  'token list': z.object({ tokens: z.array(token) }),
  'token unlock': z.object({ unlocked: z.literal(true), state: text }),
  'token provision': z.object({ officerPin: text }),
  'token seal-pin': z.object({ sealed: text, boundTo: text, random: z.boolean() }),
  'wrapping-key rotate': z.object({ generation }),
  'vcenter register': z.object({
    ...{ provider: text, isDefault: z.boolean() },
    servers: z.array(z.object({ name: text, status: text, connection: text })),
  }),
  'vcenter trust': z.object({ provider: text, trusted: z.enum(['server', 'next']) }),
  'vcenter key-use': z.object({ keys: z.array(keyUse) }),
  'vcenter lines': z.object({ govc: z.array(text), powercli: z.array(text) }),
  'recovery create': z.union([
    z.object({ threshold: number, files: number, folder: text }),
    z.object({ threshold: number, shares: z.array(text), words: z.array(text) }),
    z.object({ id: text, token: text, label: text }),
  ]),
  'recovery prove': z.object({ proven: z.literal(true), token: text.optional() }),
  'recovery restore': z.object({ rootKey: text }),
  'recovery show': z.object({ proven: z.boolean(), members: z.array(member) }),
  'recovery remove': z.object({ removed: text }),
};

/** These print one value a line. */
const inLines = new Set(['audit export', 'audit tail']);

/**
 * What a command that was to succeed printed with --json. Throws where it failed, printed something
 * else than its schema says, or more.
 */
export function answerOf(name: string, { code, stdout, stderr }: Ended): unknown {
  if (code !== 0) throw new Error(`${name} ended with ${String(code)}: ${stderr}`);
  const schema = answers[name];
  if (schema === undefined) throw new Error(`nobody said what ${name} prints`);
  const texts = inLines.has(name) ? stdout.trimEnd().split('\n') : [stdout];
  const values = texts.map((each): unknown => JSON.parse(each));
  for (const value of values) {
    const known = schema.safeParse(value);
    if (!known.success) throw new Error(`${name}: ${known.error.message} in ${stdout}`);
    // What a schema does not know it leaves out.
    if (!isDeepStrictEqual(known.data, value)) throw new Error(`${name} prints more: ${stdout}`);
  }
  return values.at(-1);
}
