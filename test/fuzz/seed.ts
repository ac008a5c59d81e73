import { createSecretKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeFile, encodeItem, encodeRecord, itemKind } from '../../appliance/backup/item.ts';
import { sealFrame } from '../../appliance/backup/journal-format.ts';
import { encodeBundleHead } from '../../appliance/keeper-client/bundle-head.ts';
import { encodeJournalHead } from '../../appliance/keeper-client/journal-head.ts';
import { encodeEntries, encodeMaterials, toJson } from '../../appliance/replication/message.ts';
import { kmipData } from '../harness/kmip-data.ts';
import { request, wire } from '../harness/vcenter.ts';

export const targets = ['ttlv', 'message', 'dispatch', 'replication', 'backup'] as const;
export type TargetName = (typeof targets)[number];

const id = '12345678-1234-4234-8234-123456789abc';
const hash = 'ab'.repeat(32);
const epoch = 'cd'.repeat(16);

/** Messages as vCenter sends them. */
const requests = (): Buffer[] => [
  request([wire.discoverVersions()], { ids: false }),
  request([wire.create(), wire.activate(id), wire.get(id)]),
];

/** Every message of the OASIS cases, where a folder of them is given. */
function oasis(folder = kmipData()): Buffer[] {
  if (folder === undefined) return [];
  return readdirSync(join(folder, 'ttlv-pairs')).flatMap((version) => {
    const hex = join(folder, 'ttlv-pairs', version, 'hex');
    return readdirSync(hex)
      .filter((name) => name.includes('.req.'))
      .map((name) => Buffer.from(readFileSync(join(hex, name), 'utf8').replace(/\s/g, ''), 'hex'));
  });
}

/** A reader's number, and what it reads. */
const numbered = (all: readonly Buffer[]): Buffer[] =>
  all.map((bytes, i) => Buffer.concat([Buffer.from([i]), bytes]));

function replication(): Buffer[] {
  const heads = { [epoch]: [3, hash] };
  const place = { epoch, seq: 3, hash };
  const common = { node: epoch, cluster: epoch, epoch, features: ['head-digest'], lacking: [id] };
  const entry = { body: Buffer.from('[1]'), signature: Buffer.alloc(64), sealed: Buffer.alloc(60) };
  const material = { object: id, commitment: hash, sealed: Buffer.alloc(60) };
  const fields = [1, epoch, epoch, epoch, 1, 1, 1_700_000_000, hash, 'create', id, ''];
  return numbered([
    toJson({ protocol: 1, ...common, heads, remembered: heads }),
    toJson({ stored: 3, heads }),
    toJson({ time: 1_700_000_000, heads, opens: true }),
    toJson({ digest: hash, heads }),
    toJson({ fetches: [{ object: id, at: 1, by: 'x', node: epoch }] }),
    toJson(heads),
    toJson({ heads, remembered: heads }),
    toJson({ places: [place] }),
    toJson(place),
    encodeEntries([entry, { body: entry.body, signature: entry.signature }]),
    encodeMaterials([material]),
    Buffer.from(JSON.stringify(fields)),
    ...requests(),
    Buffer.from('0000000a0100000001aabbccddee', 'hex'),
  ]);
}

function backup(): Buffer[] {
  const record = {
    body: Buffer.from('[1]'),
    signature: Buffer.alloc(64),
    sealed: Buffer.alloc(60),
  };
  const items = [
    encodeItem(itemKind.manifest, toJson({ cluster: '00'.repeat(16), recordKeys: {} })),
    encodeItem(itemKind.file, encodeFile('authority.pem', Buffer.from('x'))),
    encodeItem(itemKind.record, encodeRecord(record)),
    encodeItem(itemKind.seal, Buffer.alloc(200)),
  ];
  const named = { cluster: '00'.repeat(16), node: epoch, made: 1, key: 'AAAA', software: '0' };
  const head = encodeBundleHead({ ...named, bundle: epoch, slots: '{}' });
  return numbered([
    head,
    encodeJournalHead({ ...named, journal: epoch, recordKeys: {}, slots: '{}' }),
    Buffer.concat(items),
    sealFrame(createSecretKey(Buffer.alloc(32, 1)), Buffer.alloc(32), 0, [record]),
    Buffer.alloc(100),
    Buffer.concat([head, Buffer.alloc(32)]),
  ]);
}

/** Where a target begins; `folder`: that of the OASIS test data. */
export function seedsOf(target: TargetName, folder?: string): Buffer[] {
  if (target === 'replication') return replication();
  if (target === 'backup') return backup();
  return [...requests(), ...oasis(folder)];
}
