import type { Command, Noun } from '../command.ts';
import * as administrator from './administrator.ts';
import * as audit from './audit.ts';
import * as backup from './backup.ts';
import * as certificate from './certificate.ts';
import * as client from './client.ts';
import * as completion from './completion.ts';
import * as conflict from './conflict.ts';
import * as database from './database.ts';
import * as group from './group.ts';
import * as key from './key.ts';
import * as peer from './peer.ts';
import * as recovery from './recovery.ts';
import * as restore from './restore.ts';
import * as root from './root.ts';
import * as rotation from './rotation.ts';
import * as seal from './seal.ts';
import * as shred from './shred.ts';
import * as setup from './setup.ts';
import * as status from './status.ts';
import * as support from './support.ts';
import * as token from './token.ts';
import * as vcenter from './vcenter.ts';

/** Commands of one word. */
export const plainCommands: readonly Command[] = [
  ...status.commands,
  ...seal.commands,
  ...shred.commands,
  ...restore.commands,
  ...setup.commands,
  ...completion.commands(() => ({ plain: plainCommands, nouns })),
];

export const nouns: readonly Noun[] = [
  {
    name: 'administrator',
    what: 'who administers, from elsewhere or at the console',
    commands: administrator.commands,
  },
  { name: 'audit', what: 'what everybody did or was denied', commands: audit.commands },
  {
    name: 'certificate',
    what: 'what this node shows its clients',
    commands: certificate.commands,
  },
  { name: 'client', what: 'KMIP clients and their certificates', commands: client.commands },
  { name: 'conflict', what: 'what two nodes said at once', commands: conflict.commands },
  { name: 'group', what: 'key groups: who sees whose keys', commands: group.commands },
  { name: 'key', what: 'managed objects', commands: key.commands },
  { name: 'peer', what: 'the other node of the pair', commands: peer.commands },
  { name: 'backup', what: 'copies of all keys for bad days', commands: backup.commands },
  { name: 'database', what: 'the records on this node', commands: database.commands },
  {
    name: 'root',
    what: 'the root key in the token',
    commands: [...root.commands, ...rotation.rootCommands],
  },
  { name: 'support', what: 'what helps whoever helps you', commands: support.commands },
  { name: 'token', what: 'TPM and HSMs', commands: token.commands },
  {
    name: 'wrapping-key',
    what: 'the key that wraps all others',
    commands: rotation.wrappingKeyCommands,
  },
  { name: 'vcenter', what: 'VMware vCenter as a client', commands: vcenter.commands },
  {
    name: 'recovery',
    what: 'what opens the keys without a token',
    commands: recovery.commands,
  },
];
