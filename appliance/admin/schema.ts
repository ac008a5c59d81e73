import { z } from 'zod';
import { administratorRoles } from '../keystore/administrator.ts';
import { longestRetention, shortestRetention } from '../keystore/retention.ts';

export { z };

/** Schemas of the admin API: what the server checks, the clients know, the documents say. */
const identifier = z.string().min(1).max(128);
const label = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[\w.@ +:-]+$/);

export const clientView = z.object({
  id: identifier,
  name: z.string(),
  group: z.string(),
  fingerprint: z.string(),
  /** An authority's own certificate lets nobody in: what it signed waits as `pending`. */
  state: z.enum(['allowed', 'pending', 'blocked', 'authority']),
  added: z.number(),
  notAfter: z.number(),
});

/** What clients are shown and may trust: the cluster's authority and this node's own, PEM. */
export const certificatesView = z.object({
  authority: z.string(),
  server: z.string(),
  /** Made by a renewal, and shown once somebody says so. */
  next: z.string().optional(),
});

export const keyView = z.object({
  id: identifier,
  type: z.string(),
  state: z.string(),
  algorithm: z.string(),
  length: z.number(),
  group: z.string(),
  created: z.number(),
  changed: z.number(),
  /** Whether another node has it too, or a journal, or only this node. */
  copies: z.enum(['both', 'journal', 'single']),
  names: z.array(z.string()),
  /** Seconds since it was made. */
  age: z.number(),
  /** x-Name, as vCenter gives it: the name of the VM or host when the key was made. */
  vm: z.string().optional(),
  /** x-Identifier: the UUID of that VM or host. */
  identifier: z.string().optional(),
  /** When a client got its bytes last, at either node and to the minute, and which client. */
  fetched: z.object({ time: z.number(), client: z.string() }).optional(),
  /** Its group has a newer key, not destroyed, with the same x-Identifier. */
  superseded: z.literal(true).optional(),
  /** Destroyed, and kept until then at least: seconds since 1970. */
  kept: z.number().optional(),
  /** The nodes that have agreed to purge it. */
  agreed: z.array(z.string()).optional(),
  /** Its material is gone from every node. */
  purged: z.literal(true).optional(),
  /** What two nodes said at once and does not hold. */
  conflicts: z.array(z.string()).optional(),
  component: z.string().optional(),
  attributes: z.record(z.string(), z.array(z.string())).optional(),
});

export const keptKeys = z.object({
  /** For how many seconds what is destroyed from now on is kept. */
  retention: z.number(),
  keys: z.array(keyView),
  next: z.string().optional(),
});

export const conflictView = z.object({
  id: z.string(),
  kind: z.enum(['fork', 'creation', 'value', 'client', 'purge', 'undestroy', 'name']),
  /** The attribute, the place in a chain or the Name. */
  about: z.string(),
  objects: z.array(z.string()).readonly(),
  /** The records that do not hold. */
  records: z.array(z.string()).readonly(),
  settled: z.boolean(),
});

export const setRetention = z.object({
  seconds: z.number().int().min(shortestRetention).max(longestRetention),
});

export const statusView = z.object({
  state: z.enum(['SERVING', 'DEGRADED', 'SEALED', 'SHREDDED', 'NOT CONFIGURED']),
  version: z.string(),
  node: z.string(),
  /** These three are absent while no KMIP is served: no wrapping key is open. */
  cluster: z.string().optional(),
  endpoint: z.string().optional(),
  fingerprints: z.object({ sha1: z.string(), sha256: z.string() }).optional(),
  /** Whole days that the server's certificate is valid for still. */
  certificateDays: z.number().optional(),
  rootKey: z.object({
    state: z.string(),
    /** Its token's name in the configuration, label, and what it was taken for. */
    name: z.string().optional(),
    token: z.string().optional(),
    vendor: z.string().optional(),
    mechanism: z.string().optional(),
    provenSeconds: z.number().optional(),
  }),
  wrappingKey: z.object({
    generation: z.string().optional(),
    /** Secrets that a rotation has yet to seal anew; absent while none goes on. */
    left: z.number().optional(),
    /** Begun, and not written under before these nodes have opened it. */
    pending: z
      .object({ generation: z.string(), waitsFor: z.array(z.string()).readonly() })
      .optional(),
  }),
  /** What recovers the keys without a root key; null while nothing does. */
  recovery: z
    .object({
      /** Whether somebody has recovered with any of them: until then no key is made. */
      proven: z.boolean(),
      members: z
        .array(
          z.object({
            /** The set's id, or the CKA_ID of the token's key. */
            id: z.string(),
            kind: z.enum(['shares', 'token']),
            threshold: z.number().optional(),
            shares: z.number().optional(),
            token: z.string().optional(),
            device: z.string().optional(),
            /** Seconds since 1970. */
            made: z.number(),
            proven: z.number().nullable(),
          }),
        )
        .readonly(),
    })
    .nullable(),
  keys: z.number(),
  records: z.number(),
  clients: z.number(),
  connections: z.number(),
  /** Keys that no other node holds; these two are absent while no wrapping key is open. */
  singleCopies: z.number().optional(),
  /** What is looked at once a day, whether anybody asks for it or not. */
  scrub: z
    .object({
      /** When all that is stored had been looked at last; absent before that. */
      finished: z.number().optional(),
      /** What the last look at everything found damaged. */
      found: z.number(),
      /** Records, and secrets, that are still damaged or missing. */
      damaged: z.number(),
    })
    .optional(),
  /** Absent while no wrapping key is open. */
  backup: z
    .object({
      /** The last one that was read back and found good. */
      verified: z
        .object({ file: z.string(), keys: z.number(), seconds: z.number(), bytes: z.number() })
        .nullable(),
      /** The last failure since then. */
      failed: z.object({ reason: z.string(), seconds: z.number() }).nullable(),
      /** What is being done with one now, and how far it is, in records. */
      work: z
        .object({
          what: z.enum(['writing', 'reading back', 'reading', 'taking in']),
          done: z.number(),
          of: z.number(),
        })
        .optional(),
      /** Hours from one to the next by the schedule; null without one. */
      everyHours: z.number().nullable(),
    })
    .optional(),
  warnings: z.array(z.string()),
});

export const addClient = z.object({
  name: label,
  group: label.default('default'),
  /** PEM. Without one a key pair is made and given out once. */
  certificate: z.string().max(65_536).optional(),
});

export const addAuthority = z.object({
  name: label,
  group: label.default('default'),
  /** PEM. */
  certificate: z.string().max(65_536),
});

export const signRequest = z.object({
  name: label.optional(),
  group: label.default('default'),
  request: z.string().max(65_536),
});

export const addedClient = z.object({
  client: clientView,
  certificate: z.string(),
  authority: z.string(),
  key: z.string().optional(),
});

export const administratorView = z.object({
  id: identifier,
  name: z.string(),
  role: z.enum(administratorRoles),
  fingerprint: z.string(),
  state: z.enum(['allowed', 'blocked']),
  added: z.number(),
  notAfter: z.number(),
});

export const knockView = z.object({
  name: z.string(),
  fingerprint: z.string(),
  certificate: z.string(),
  address: z.string(),
  time: z.number(),
});

export const addAdministrator = z.object({
  name: label,
  role: z.enum(administratorRoles),
  /** PEM. Without one a key pair is made and given out once, on the node alone. */
  certificate: z.string().max(65_536).optional(),
});

export const allowAdministrator = z.object({ role: z.enum(administratorRoles).optional() });

export const addedAdministrator = z.object({
  administrator: administratorView,
  certificate: z.string(),
  /** The node's own certificate, by which it is known from elsewhere. */
  server: z.string(),
  key: z.string().optional(),
});

export const destroyKey = z.object({
  /** One that is Active, or was fetched lately, is destroyed only when this is its identifier. */
  confirm: z.string().optional(),
});

export const keyPage = z.object({
  /** Behind this key: the `next` of the page before. */
  after: z.string().max(128).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  /** As KMIP calls it, upper or lower case. */
  state: z.string().max(64).optional(),
  group: z.string().max(64).optional(),
  /** Fetched last by this client. */
  client: z.string().max(64).optional(),
  /** Part of the VM's or host's name, its UUID, a Name or the component; upper or lower case. */
  name: z.string().max(256).optional(),
  /** Made so many seconds ago or earlier. */
  older: z.coerce.number().int().min(0).optional(),
  /** Not fetched for so many seconds, or never. */
  unfetched: z.coerce.number().int().min(0).optional(),
  copies: z.enum(['both', 'journal', 'single']).optional(),
  superseded: z.enum(['yes', 'no']).optional(),
});

export const keyList = z.object({
  keys: z.array(keyView),
  /** Where the next page begins, which may be there although this one is not full. */
  next: z.string().optional(),
  /** How many keys were looked at for this page: a filter may pass over most. */
  scanned: z.number(),
});

export const keptPage = keyPage.pick({ after: true, limit: true });

export const auditPageQuery = z.object({
  /** Entries behind this number; or the last so many. */
  after: z.coerce.number().int().min(0).optional(),
  last: z.coerce.number().int().min(0).max(1000).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

export const auditEntryView = z.object({
  seq: z.number(),
  /** Seconds since 1970. */
  time: z.number(),
  hash: z.string(),
  request: z.string(),
  actor: z.string(),
  act: z.string(),
  object: z.string().optional(),
  outcome: z.enum(['success', 'denied', 'failed']),
  reason: z.string().optional(),
});

export const auditPage = z.object({ entries: z.array(auditEntryView), newest: z.number() });

export const auditCheck = z.object({
  entries: z.number(),
  first: z.number(),
  last: z.number(),
  heads: z.number(),
  /** Where the chain breaks, and the first signed head that it contradicts. */
  broken: z.number().optional(),
  contradicted: z.number().optional(),
});

export const makeGroup = z.object({ name: label });

/** A key group's rules: structures of KMIP 2.1 as the JSON profile writes them. */
export const groupView = z.object({
  group: z.string(),
  defaults: z.array(z.unknown()),
  constraints: z.array(z.unknown()),
  /** The clients that may set them, by name. */
  configurers: z.array(z.string()),
});
export type GroupView = z.infer<typeof groupView>;

export const clearGroup = z.object({ rule: z.enum(['defaults', 'constraints']) });

export const configurer = z.object({ client: z.string().max(256), allowed: z.boolean() });

export const invitationView = z.object({
  code: z.string(),
  /** Seconds since 1970. */
  expires: z.number(),
  addresses: z.array(z.string()).readonly(),
});

export const pairingView = z.object({
  state: z.enum(['none', 'waiting', 'comparing', 'exchanging', 'joined', 'failed']),
  peer: z.object({ node: z.string(), name: z.string() }).optional(),
  code: z.string().optional(),
  message: z.string().optional(),
});

export const copyPolicy = z.object({
  policy: z.enum(['alone', 'alone-for', 'refuse']),
  /** How long a node may go on alone; 0 but for `alone-for`. */
  seconds: z.number().int().min(0),
});

export const peersView = z.object({
  peers: z.array(
    z.object({
      node: z.string(),
      name: z.string(),
      state: z.enum(['present', 'catching-up', 'slow', 'unable', 'away', 'unfinished']),
      /** Seconds since 1970 of its last sign of life. */
      heard: z.number().optional(),
      /** Why the last connection to it ended, in words. */
      trouble: z.string().optional(),
      /** ADDRESS:PORT at which it says that it is reached by other nodes. */
      addresses: z.array(z.string()).readonly().optional(),
      /** Records that are here and not there. */
      lag: z.number(),
      /** By epoch, the newest record that it has. */
      heads: z.record(z.string(), z.number()),
      /** Whether both had the same state when it was compared last. */
      equal: z.boolean().optional(),
      skew: z.number().optional(),
      /** What its software can do beyond the first version. */
      features: z.array(z.string()).readonly().optional(),
      /** Secrets that it lacks. */
      lacking: z.number(),
      /** Whether its token has opened the wrapping key that is written under. */
      proven: z.boolean(),
    }),
  ),
  policy: copyPolicy,
  /** Keys that only this node has. */
  single: z.object({ count: z.number(), keys: z.array(z.string()) }),
  /** Whether a new key would be answered now. */
  accepting: z.boolean(),
  /** Whether another node has cut this one off. */
  removed: z.boolean(),
});

export const joinRequest = z.object({
  address: z.string().max(256),
  code: z.string().max(128),
  root: z.object({
    keyId: z.string().max(256),
    label: z.string().max(256),
    publicKey: z.string().max(8192),
    hash: z.enum(['sha256', 'sha1']),
  }),
});

/** A backup as its head says it, without a proof. */
export const backupView = z.object({
  file: z.string(),
  bundle: z.string(),
  cluster: z.string(),
  node: z.string(),
  /** Seconds since 1970. */
  made: z.number(),
  software: z.string(),
  bytes: z.number(),
});

/** What a backup holds that was read to its end. */
export const verifiedView = z.object({
  bundle: z.string(),
  node: z.string(),
  made: z.number(),
  records: z.number(),
  /** Secrets that opened and are what their records say. */
  keys: z.number(),
  /** Objects whose secret is not in it. */
  absent: z.number(),
});

export const madeView = verifiedView.extend({
  file: z.string(),
  bytes: z.number(),
  /** Older backups that made room for it. */
  deleted: z.array(z.string()),
});

export const restoredView = verifiedView.extend({
  is: z.enum(['backup', 'journal']),
  /** Of a journal: changed frames, whether its end is torn, records before which others lack. */
  damaged: z.number(),
  torn: z.boolean(),
  waiting: z.number(),
  /** Records that were not here before. */
  added: z.number(),
  /** Records that are here and not in the backup. */
  newer: z.number(),
  /** Records that something speaks of and that are nowhere. */
  missing: z.array(z.object({ epoch: z.string(), from: z.number(), to: z.number() })),
  /** Whether the node had nothing of its own: its wrapping key has to be rotated. */
  fresh: z.boolean(),
  /** Whether its tables are now what the other node’s were; null where that cannot be said. */
  same: z.boolean().nullable(),
  /** Whether the server starts again to serve with the old certificate. */
  restarts: z.boolean(),
  /** Where its keys took the place of what was here: what went, and the backup that has it. */
  replaced: z.object({ objects: z.number(), records: z.number(), saved: z.string() }).optional(),
});

export const restoreChoice = z.object({
  /** Takes what a removed node wrote after its removal too. */
  from_removed: z.literal('yes').optional(),
  /** The cluster’s name in full: the keys of the backup take the place of those that are here. */
  replace: z.string().max(200).optional(),
  /** With `replace`: a folder, or a file that is not there, on the node, for what is replaced. */
  save_to: z.string().max(4096).optional(),
});

export const createBackup = z.object({
  /** A folder, or a file that is not there, on the node. */
  to: z.string().max(4096).optional(),
});

export const backupFolder = z.object({ folder: z.string().max(4096).optional() });

export const problem = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string(), request: z.string() }),
});

export type ClientView = z.infer<typeof clientView>;
export type CertificatesView = z.infer<typeof certificatesView>;
export type ConflictView = z.infer<typeof conflictView>;
export type KeptKeys = z.infer<typeof keptKeys>;
export type KeyList = z.infer<typeof keyList>;
export type KeyPage = z.infer<typeof keyPage>;
export type KeyView = z.infer<typeof keyView>;
export type StatusView = z.infer<typeof statusView>;
export type AddedClient = z.infer<typeof addedClient>;
export type KnockView = z.infer<typeof knockView>;
export type AdministratorView = z.infer<typeof administratorView>;
export type AddedAdministrator = z.infer<typeof addedAdministrator>;
export type AuditEntryView = z.infer<typeof auditEntryView>;
export type AuditPage = z.infer<typeof auditPage>;
export type AuditCheckView = z.infer<typeof auditCheck>;
export type BackupView = z.infer<typeof backupView>;
export type VerifiedView = z.infer<typeof verifiedView>;
export type MadeView = z.infer<typeof madeView>;
export type RestoredView = z.infer<typeof restoredView>;
export type Problem = z.infer<typeof problem>;
