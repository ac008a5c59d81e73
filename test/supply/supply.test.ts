import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { command } from '../harness/appliance.ts';

const root = join(import.meta.dirname, '..', '..');

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly link?: boolean;
}

const json = (...path: readonly string[]): Record<string, unknown> =>
  JSON.parse(readFileSync(join(root, ...path), 'utf8')) as Record<string, unknown>;

test('every package has one version and a digest that npm checks', (t) => {
  for (const folder of ['.', 'test/fuzz']) {
    const { packages } = json(folder, 'package-lock.json') as {
      packages: Record<string, Locked>;
    };
    const named = Object.entries(packages).filter(([path]) => path !== '');
    t.true(named.length > 50, folder);
    for (const [path, { integrity = '', version }] of named) {
      t.regex(integrity, /^sha512-/, path);
      t.truthy(version, path);
    }
    const own = json(folder, 'package.json');
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
      for (const [name, wanted] of Object.entries((own[kind] ?? {}) as Record<string, string>)) {
        t.regex(wanted, /^(npm:[a-z0-9-]+@)?\d+\.\d+\.\d+$/, name);
      }
    }
  }
});

test('the bill of materials names what runs, with its digests', async (t) => {
  const { code, stdout, stderr } = await command('npm', ['run', '--silent', 'sbom']);
  t.is(code, 0, stderr);
  const { components } = JSON.parse(stdout) as {
    components: { name: string; version: string; hashes?: unknown[]; purl: string }[];
  };
  const { dependencies } = json('package.json') as { dependencies: Record<string, string> };
  for (const [name, wanted] of Object.entries(dependencies)) {
    const [, alias, version] = /^(?:npm:(.+)@)?([\d.]+)$/.exec(wanted) ?? [];
    const found = components.find((each) => [name, alias].includes(each.name));
    t.is(found?.version, version, name);
    t.truthy(found?.hashes?.length, name);
  }
  t.false(components.some(({ name }) => ['ava', 'typescript', 'eslint'].includes(name)));
});
