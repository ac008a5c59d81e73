import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { nouns, plainCommands } from '../../appliance/cli/command/index.ts';
import { command, removeFolder, temporaryFolder } from '../harness/appliance.ts';

const twinlock = join(import.meta.dirname, '..', '..', 'scripts', 'twinlock');

async function scriptFor(t: ExecutionContext, shell: string, file: string): Promise<string> {
  const folder = temporaryFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const { code, stdout, stderr } = await command(twinlock, ['completion', shell]);
  t.is(code, 0, stderr);
  const path = join(folder, file);
  writeFileSync(path, stdout);
  return path;
}

type Complete = (line: string) => Promise<string[]>;

/** What every shell has to offer behind the same words. */
async function completes(t: ExecutionContext, complete: Complete): Promise<void> {
  const first = await complete('twinlock ');
  for (const { name } of [...nouns, ...plainCommands]) t.true(first.includes(name), name);
  for (const { name, commands } of nouns) {
    const verbs = commands.map((each) => each.name.split(' ')[1] ?? '').sort();
    t.deepEqual((await complete(`twinlock ${name} `)).sort(), verbs, name);
  }
  t.deepEqual(await complete('twinlock key und'), ['undestroy']);
  t.deepEqual(await complete('twinlock --state somewhere key und'), ['undestroy']);
  t.true((await complete('twinlock key list --')).includes('--group'));
  t.true((await complete('twinlock client add --')).includes('--cert'));
  t.deepEqual((await complete('twinlock completion ')).sort(), ['bash', 'fish', 'zsh']);
  t.deepEqual(await complete('twinlock key list --group '), []);
}

test('bash completes nouns, verbs and options', async (t) => {
  const script = await scriptFor(t, 'bash', 'twinlock');
  await completes(t, async (line) => {
    const words = line.split(' ');
    const list = words.map((word) => `'${word}'`).join(' ');
    const run = `source '${script}'; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1};
      _twinlock; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return linesOf(t, await command('bash', ['--norc', '-c', run]));
  });
});

test('fish completes nouns, verbs and options', async (t) => {
  const script = await scriptFor(t, 'fish', 'twinlock.fish');
  await completes(t, async (line) => {
    const run = `source '${script}'; complete -C '${line}'`;
    const home = ['env', `HOME=${join(script, '..')}`, 'fish', '--no-config', '-c', run];
    return linesOf(t, await command('env', home.slice(1))).map((each) => each.split('\t')[0] ?? '');
  });
});

test('zsh completes nouns, verbs and options', async (t) => {
  const script = await scriptFor(t, 'zsh', '_twinlock');
  await completes(t, async (line) => {
    // What the completion gives to _describe is what the shell would show.
    const words = line.split(' ');
    const prefix = words.at(-1) ?? '';
    const list = words.map((word) => `'${word}'`).join(' ');
    const run = `compdef() { :; }; _files() { :; }
      _describe() {
        local each
        for each in "\${(@)\${(P)4}}"; do print -r -- "\${each%%:*}"; done
      }
      source '${script}'; words=(${list}); CURRENT=${words.length}; _twinlock; true`;
    const shown = linesOf(t, await command('zsh', ['-f', '-c', run]));
    return shown.filter((each) => each.startsWith(prefix)).filter(isShown(prefix));
  });
});

/** A shell shows options only once a dash is typed. */
function isShown(prefix: string): (word: string) => boolean {
  return (word) => prefix.startsWith('-') || !word.startsWith('-');
}

function linesOf(
  t: ExecutionContext,
  { stdout, stderr }: { readonly stdout: string; readonly stderr: string },
): string[] {
  t.is(stderr, '');
  return stdout.split('\n').filter((each) => each !== '');
}

test('no other shell is known, and the failure is two lines', async (t) => {
  const { code, stderr, stdout } = await command(twinlock, ['completion', 'csh']);
  t.is(code, 2);
  t.regex(stderr, /^error: .+\nhint: .+\n$/);
  t.is(stdout, '');
  const json = await command(twinlock, ['completion', 'bash', '--json']);
  t.is((JSON.parse(json.stdout) as { shell: string }).shell, 'bash');
});
