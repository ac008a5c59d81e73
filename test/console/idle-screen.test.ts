import test from 'ava';
import type { StatusView } from '../../appliance/admin/schema.ts';
import type { Facts } from '../../appliance/console/facts.ts';
import { bigWord } from '../../appliance/console/big-word.ts';
import { IdleScreen } from '../../appliance/console/idle-screen.ts';
import { h, plainText, renderToString } from '../../appliance/console/terminal.ts';

const serving: StatusView = {
  state: 'SERVING',
  version: '1.2.3',
  node: '00'.repeat(16),
  cluster: '11'.repeat(16),
  endpoint: '192.0.2.10:5696',
  fingerprints: {
    sha1: 'AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD',
    sha256: Array.from({ length: 32 }, (_, i) => (i + 16).toString(16).toUpperCase()).join(':'),
  },
  certificateDays: 3649,
  rootKey: { state: 'ready', token: 'twinlock', vendor: 'TPM 2.0', provenSeconds: 12 },
  wrappingKey: { generation: '22'.repeat(16) },
  recovery: {
    proven: true,
    members: [{ id: 'ab12', kind: 'shares', threshold: 3, shares: 5, made: 1, proven: 2 }],
  },
  keys: 1234,
  records: 5000,
  clients: 3,
  connections: 7,
  backup: {
    verified: { file: '/b/1', keys: 1234, seconds: 7300, bytes: 1 },
    failed: null,
    everyHours: 24,
  },
  warnings: [],
};

const facts: Facts = {
  time: 1_764_028_681,
  host: 'kms-a',
  addresses: ['192.0.2.10', '2001:db8::10'],
  clockFollows: true,
  status: serving,
  peers: {
    peers: [
      {
        node: '33'.repeat(16),
        name: 'kms-b',
        state: 'present',
        lag: 0,
        heads: {},
        lacking: 0,
        proven: true,
      },
    ],
    policy: { policy: 'alone-for', seconds: 259_200 },
    single: { count: 0, keys: [] },
    accepting: true,
    removed: false,
  },
};

function shown(found: Facts, width = 79, height = 24): readonly string[] {
  const text = renderToString(h(IdleScreen, { facts: found, width, height }), { columns: width });
  return plainText(text)
    .split('\n')
    .map((line) => line.trimEnd());
}

const last = ' <F2> Configure   <F5> Network   <F8> Diagnostics   <F12> Restart/Shut down';

test('a node that serves shows what vCenter shows of it', (t) => {
  t.deepEqual(shown(facts), [
    ' Twinlock 1.2.3   kms-a                               2025-11-24 23:58:01 UTC',
    '',
    '   #### ##### ####  #   # ### #   #  ####',
    '  #     #     #   # #   #  #  ##  # #',
    '   ###  ####  ####  #   #  #  # # # #  ##',
    '      # #     #  #   # #   #  #  ## #   #',
    '  ####  ##### #   #   #   ### #   #  ####',
    '',
    '  Addresses       192.0.2.10  2001:db8::10',
    '  KMIP            192.0.2.10:5696',
    '  SHA-1           AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD',
    '  SHA-256         10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F',
    '                  20:21:22:23:24:25:26:27:28:29:2A:2B:2C:2D:2E:2F',
    '  Root key        twinlock (TPM 2.0), ready, proved itself 12 s ago',
    '  Peer            kms-b present, in step',
    '  Backup          verified 2 h ago, 1234 keys',
    '  Certificate     3649 days left',
    '  Keys, clients   1234 keys, 3 clients allowed',
    '  Clock           2025-11-24 23:58:01 UTC, follows its time server',
    '',
    '',
    '',
    '',
    last,
  ]);
});

test('each warning is one line; where there is no room the last line counts the others', (t) => {
  const warnings = ['one', 'two', 'three', 'four', 'five'];
  const lines = shown({ ...facts, status: { ...serving, state: 'DEGRADED', warnings } });
  t.deepEqual(lines.slice(-4), ['  ! one', '  ! two', '  ! 3 more: F8 shows them', last]);
});

test('a server that does not answer is said, and the box is still shown', (t) => {
  const failure = { message: 'the server does not answer', hint: 'F8 shows its log' };
  const { time, host, addresses } = facts;
  const lines = shown({ time, host, addresses, failure });
  t.true(lines.includes('  Addresses       192.0.2.10  2001:db8::10'));
  t.true(lines.includes('  ! the server does not answer: F8 shows its log'));
  t.true(lines.includes(last));
});

test('every state stands in large on a screen of 80 columns', (t) => {
  const states = ['SERVING', 'DEGRADED', 'SEALED', 'SHREDDED', 'NOT CONFIGURED', 'NO ANSWER'];
  for (const state of states) {
    const rows = bigWord(state, 77);
    t.is(rows.length, 5, state);
    t.true(
      rows.every((row) => /^[# ]+$/.test(row)),
      state,
    );
  }
  const lines = shown({ ...facts, status: { ...serving, state: 'NOT CONFIGURED' } });
  for (const row of bigWord('NOT CONFIGURED', 77)) t.true(lines.includes(` ${row}`.trimEnd()));
});

test('the screen is ASCII, as wide and as high as it is told, and shows the same words', (t) => {
  for (const [width, height] of [
    [79, 24],
    [40, 12],
    [200, 60],
  ] as const) {
    const warnings = ['the token’s PIN is wanted …', 'another that is long '.repeat(20)];
    const lines = shown({ ...facts, status: { ...serving, warnings } }, width, height);
    t.is(lines.length, height);
    t.true(lines.every((line) => line.length <= width && /^[ -~]*$/.test(line)));
  }
});
