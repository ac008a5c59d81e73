import { globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import test from 'ava';
import ts from 'typescript';

const silencers = ['eslint-dis' + 'able', '@ts-ig' + 'nore', '@ts-no' + 'check'];

/** The rules of the house, as DESIGN and ARCHITECTURE say them. */
const root = join(import.meta.dirname, '..');
const notOurs = ['node_modules', 'dist', '.state', 'coverage', '.git'];
const tracked = globSync(['*', '.*', '{.ci,appliance,bench,docs,image,scripts,systemd,test}/**'], {
  cwd: root,
  exclude: (path) => notOurs.includes(path),
}).filter(
  // `.git` is a file where the checkout is one of several.
  (path) => path !== '.git' && !path.endsWith('.log') && statSync(join(root, path)).isFile(),
);
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const source = tracked.filter((path) => /^appliance\/.*\.tsx?$/.test(path));
const code = tracked.filter((path) => /\.(ts|tsx|js)$/.test(path));

const mayImport: Readonly<Record<string, readonly string[] | 'all'>> = {
  ttlv: [],
  frame: [],
  disk: [],
  kmip: ['ttlv'],
  token: ['frame'],
  'keeper-client': ['frame'],
  cryptography: ['ttlv', 'kmip'],
  keeper: ['disk', 'frame', 'keeper-client', 'token'],
  pki: [],
  audit: [],
  'self-test': [],
  keystore: ['disk', 'ttlv', 'kmip', 'audit', 'keeper-client'],
  operation: ['ttlv', 'kmip', 'cryptography', 'keystore', 'pki'],
  encoding: ['ttlv', 'kmip'],
  server: ['encoding', 'ttlv', 'kmip', 'operation', 'keystore', 'audit', 'pki'],
  replication: ['disk', 'frame', 'keystore', 'keeper-client', 'audit', 'pki'],
  backup: ['disk', 'keystore', 'keeper-client', 'audit'],
  admin: ['ttlv', 'kmip', 'keystore', 'audit'],
  vcenter: [],
  setup: ['disk', 'admin', 'keeper-client'],
  cli: ['setup', 'vcenter', 'admin', 'keeper-client', 'pki'],
  console: ['setup', 'admin', 'keeper-client'],
  service: 'all',
};

const doors: Readonly<Record<string, string>> = {
  pkcs11js: 'appliance/token/pkcs11.ts',
  'node-forge': 'appliance/pki/x509.ts',
  'better-sqlite3': 'appliance/keystore/database.ts',
  pino: 'appliance/service/log.ts',
  'systemd-notify': 'appliance/service/notify.ts',
  fastify: 'appliance/admin/server.ts',
  'prom-client': 'appliance/admin/metrics.ts',
  zod: 'appliance/admin/schema.ts',
  ink: 'appliance/console/terminal.ts',
  react: 'appliance/console/terminal.ts',
  commander: 'appliance/cli/main.ts',
  'smol-toml': 'appliance/setup/toml.ts',
  '@scure/bip39/wordlists/english.js': 'appliance/keeper-client/share-word.ts',
  '@xmldom/xmldom': 'appliance/vcenter/xml-element.ts',
  qr: 'appliance/setup/qr.ts',
  pg: 'appliance/replication/postgresql.ts',
  'shamir-secret-sharing': 'appliance/keeper/recovery-share.ts',
};

const tables = [
  'appliance/kmip/attribute-rule.ts',
  'appliance/kmip/enumeration.ts',
  'appliance/kmip/tag.ts',
];

function imports(text: string): string[] {
  return [...text.matchAll(/(?:from|import\(|^import) ?'([^']+)'/gm)].map(([, path]) => path ?? '');
}

function roomOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function importFaults(path: string, text: string): string[] {
  return imports(text).flatMap((target) => {
    if (target.startsWith('.')) {
      const room = roomOf(normalize(join(dirname(path), target)));
      const allowed = mayImport[roomOf(path)];
      const fine = room === roomOf(path) || allowed === 'all' || allowed?.includes(room) === true;
      return fine ? [] : [`${path} imports ${target}`];
    }
    if (target.startsWith('node:')) return [];
    return doors[target] === path ? [] : [`${path} imports ${target}, whose door is elsewhere`];
  });
}

function sizeFaults(path: string, text: string): string[] {
  const lines = text.split('\n');
  const long = lines.flatMap((line, i) => (line.length > 100 ? [`${path}:${i + 1} is long`] : []));
  const heavy =
    lines.length > 501 && !tables.includes(path) ? [`${path} has ${lines.length} lines`] : [];
  return [...long, ...heavy, ...functionFaults(path, text)];
}

function functionFaults(path: string, text: string): string[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const faults: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const line = (at: number): number => file.getLineAndCharacterOfPosition(at).line;
      const length = line(node.end) - line(node.getStart()) + 1;
      if (length > 70) faults.push(`${path}:${line(node.getStart()) + 1} has ${length} lines`);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return faults;
}

function wordFaults(path: string, text: string): string[] {
  const banned: readonly (readonly [RegExp, string])[] = [
    [/registry\.(npm|yarn)|npmjs\.(org|com)/, 'names a package registry'],
    [/(?<![\w.])\/(work|home\/\w+|root)\//, 'names a path of one machine'],
    [new RegExp(`\\b(${['TO', 'DO|FIX', 'ME|X', 'XX'].join('')})\\b`), 'is not finished'],
    [new RegExp(silencers.join('|')), 'silences a check'],
  ];
  return banned.filter(([pattern]) => pattern.test(text)).map(([, what]) => `${path} ${what}`);
}

/** Time and chance come in as arguments; these files are where they come from. */
const sources = /^appliance\/(service\/|cli\/main\.ts$)/;
function chanceFaults(path: string, text: string): string[] {
  if (sources.test(path)) return [];
  return /Date\.now\(|Math\.random\(|new Date\(\)/.test(text) ? [`${path} asks for the time`] : [];
}

function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const faults: string[] = [];
  const visit = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) faults.push([...path, node].join(' → '));
    if (done.has(node) || path.includes(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...path, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return faults;
}

/** Imports that exist when the program runs; those of types alone are gone by then. */
function runtimeImports(path: string): string[] {
  return [...read(path).matchAll(/^(?:import|export) (?!type )[^;]*?from '(\.[^']+)'/gm)].map(
    ([, target]) => normalize(join(dirname(path), target ?? '')),
  );
}

test('each room imports only what it may, and each package has one door', (t) => {
  t.deepEqual(
    source.flatMap((path) => importFaults(path, read(path))),
    [],
  );
});

test('no file, function or line is too long', (t) => {
  t.deepEqual(
    code.flatMap((path) => sizeFaults(path, read(path))),
    [],
  );
});

test('no cycle of imports', (t) => {
  t.deepEqual(cycles(new Map(source.map((path) => [path, runtimeImports(path)]))), []);
});

test('no registry, no path of one machine, nothing unfinished or silenced', (t) => {
  const texts = tracked.filter((path) => !/^(LICENSE|package-lock\.json)$/.test(path));
  t.deepEqual(
    texts.flatMap((path) => wordFaults(path, read(path))),
    [],
  );
});

test('time and chance are passed in', (t) => {
  t.deepEqual(
    source.flatMap((path) => chanceFaults(path, read(path))),
    [],
  );
});

test('no room or file is called after nothing', (t) => {
  const vague = /(^|\/)(utils?|common|helpers?|types|manager|misc|shared)(\.|\/|$)/;
  t.deepEqual(
    source.filter((path) => vague.test(path)),
    [],
  );
});

test('every operation stands in the list', (t) => {
  const list = read('appliance/operation/index.ts');
  const files = source.filter(
    (path) =>
      path.startsWith('appliance/operation/') && /= define(Reading|Change)\(/.test(read(path)),
  );
  t.true(files.length >= 15);
  for (const path of files) t.true(list.includes(`./${path.split('/')[2] ?? ''}`), path);
});

test('every appliance file is reached from a process', (t) => {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const target of imports(read(path)).filter((each) => each.startsWith('.'))) {
      visit(normalize(join(dirname(path), target)));
    }
  };
  for (const main of ['server', 'keeper', 'token', 'trial', 'console', 'serving'])
    visit(`appliance/service/${main}.ts`);
  visit('appliance/cli/main.ts');
  visit('appliance/token/deadline-thread.ts');
  t.deepEqual(
    source.filter((path) => !reached.has(path) && !path.endsWith('.d.ts')),
    [],
  );
});

test('each rule can be broken', (t) => {
  const path = 'appliance/ttlv/x.ts';
  t.is(importFaults(path, `import x from '../kmip/tag.ts';`).length, 1);
  t.is(importFaults(path, `import x from 'zod';`).length, 1);
  t.is(sizeFaults(path, 'x'.repeat(101)).length, 1);
  t.is(sizeFaults(path, '\n'.repeat(501)).length, 1);
  t.is(sizeFaults(path, `function f() {${'\n'.repeat(70)}}`).length, 1);
  t.is(wordFaults(path, ['// TO', 'DO'].join('')).length, 1);
  t.is(chanceFaults(path, 'Date.' + 'now()').length, 1);
  t.is(
    cycles(
      new Map([
        ['a', ['b']],
        ['b', ['a']],
      ]),
    ).length,
    1,
  );
});
