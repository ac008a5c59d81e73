import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { routesOf } from '../../appliance/admin/route/index.ts';
import { nouns, plainCommands } from '../../appliance/cli/command/index.ts';
import { exitCode } from '../../appliance/cli/exit-code.ts';
import { referenceFiles } from '../../scripts/document/reference.ts';
import { command } from '../harness/appliance.ts';

const root = join(import.meta.dirname, '..', '..');
const files = referenceFiles();
const manuals = join(root, 'docs', 'man');

test('what is made from code stands in docs as the code says it: npm run reference', (t) => {
  for (const [path, text] of files) t.is(readFileSync(join(root, path), 'utf8'), text, path);
  const pages = [...files.keys()].filter((path) => path.startsWith('docs/man/'));
  t.deepEqual(readdirSync(manuals).sort(), pages.map((path) => path.slice(9)).sort());
});

interface OpenApi {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, { 'x-role': string; operationId: string }>>;
  readonly components: { readonly schemas: object; readonly responses: object };
}

test('the OpenAPI document has every route with its role, and no reference leads nowhere', (t) => {
  const text = files.get('docs/openapi.json') ?? '';
  const document = JSON.parse(text) as OpenApi;
  t.regex(document.openapi, /^3\.1\./);
  const routes = routesOf({} as Parameters<typeof routesOf>[0]);
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  t.is(operations.length, routes.length);
  t.is(new Set(operations.map(({ operationId }) => operationId)).size, routes.length);
  for (const { method, path, role } of routes) {
    const found = document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
    t.is(found?.['x-role'], role, path);
  }
  const { schemas, responses } = document.components;
  for (const [, kind = '', name = ''] of text.matchAll(/"#\/components\/(\w+)\/([\w-]+)"/g)) {
    t.true(name in (kind === 'schemas' ? schemas : responses), name);
  }
  t.false(text.includes('$defs'));
});

test('man shows every page without a warning, with commands and exit codes', async (t) => {
  const environment = ['LC_ALL=C.UTF-8', 'MANWIDTH=80', 'MANROFFSEQ='];
  for (const name of readdirSync(manuals)) {
    const page = join(manuals, name);
    const man = ['man', '--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', page];
    const { code, stderr } = await command('env', [...environment, ...man]);
    t.is(code, 0, stderr);
    t.is(stderr, '', name);
  }
  const page = join(manuals, 'twinlock-key.1');
  const shown = await command('env', [...environment, 'man', '-P', 'cat', '-l', page]);
  const plain = shown.stdout.replaceAll(/.\u0008/g, '');
  for (const each of nouns.find(({ name }) => name === 'key')?.commands ?? []) {
    t.true(plain.includes(`twinlock ${each.name}`), each.name);
  }
  for (const code of Object.values(exitCode)) t.regex(plain, new RegExp(`^ +${code} `, 'm'));
});

test('docs/cli.md has the exit codes that there are', (t) => {
  const text = readFileSync(join(root, 'docs', 'cli.md'), 'utf8');
  for (const code of Object.values(exitCode)) t.regex(text, new RegExp(`^\\| ${code} `, 'm'));
  const reference = files.get('docs/cli-reference.md') ?? '';
  const all = [...plainCommands, ...nouns.flatMap(({ commands }) => commands)];
  for (const { name } of all) t.true(reference.includes(`\`twinlock ${name}`), name);
});
