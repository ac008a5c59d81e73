import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { nouns, plainCommands } from '../../appliance/cli/command/index.ts';
import type { Command } from '../../appliance/cli/command.ts';

const root = join(import.meta.dirname, '..', '..');
const pages = ['README.md', 'SECURITY.md', ...globSync('docs/*.md', { cwd: root })];
const commands = new Map<string, Command>(
  [...plainCommands, ...nouns.flatMap((noun) => noun.commands)].map((each) => [each.name, each]),
);
const common = [
  '--state',
  '--socket',
  '--console',
  '--json',
  '--help',
  '--node',
  '--cert',
  '--key',
];

/** What a page tells people to type: in code spans and blocks, an alternative each. */
function said(text: string): string[] {
  const blocks = [...text.matchAll(/^ *```\w*\n([^]*?)^ *```$/gm)].map(([, block = '']) => block);
  const spans = [...text.replaceAll(/^ *```[^]*?^ *```$/gm, '').matchAll(/`([^`]+)`/g)];
  return [
    ...blocks.flatMap((block) => block.replaceAll('\\\n', ' ').split('\n')),
    ...spans.map(([, span = '']) => span.replaceAll('\n', ' ')),
  ].flatMap((line) => /(?:^|[\s/])twinlock (.+)$/.exec(line)?.[1]?.split('#', 1)[0] ?? []);
}

/** What is wrong with one line, or nothing. */
function faultOf(line: string): string | undefined {
  const words = line
    .replace(/ or with .*$/, '')
    .trim()
    .split(/\s+/);
  while (words[0]?.startsWith('--') === true) words.splice(0, words[0] === '--json' ? 1 : 2);
  const [first = '', second = ''] = words;
  if (first === '' || /^[A-Z[(|…]/.test(first)) return undefined;
  const command = commands.get(`${first} ${second}`) ?? commands.get(first);
  const isNoun = nouns.some(({ name }) => name === first) && (second === '' || second === '…');
  if (command === undefined) return isNoun ? undefined : `no command ${first} ${second}`;
  const known = (command.options ?? []).map(({ flags }) => flags.split(' ')[0] ?? '');
  const unknown = words
    .filter((word) => /^\[?--[a-z]/.test(word))
    .map((word) => word.replaceAll(/[[\]|,]|\.\.\.$/g, '').split('=')[0] ?? '')
    .filter((flag) => ![...known, ...common].includes(flag));
  return unknown.length === 0 ? undefined : `${command.name} has no ${unknown.join(' ')}`;
}

for (const page of pages) {
  test(`${page}: what it tells people to type is there`, (t) => {
    const lines = said(readFileSync(join(root, page), 'utf8'));
    t.deepEqual(
      lines.flatMap((line) => faultOf(line)?.concat(`, in: ${line}`) ?? []),
      [],
    );
  });
}

test('for each loss there is what to do first, what then, and what not to do', (t) => {
  const text = readFileSync(join(root, 'docs', 'loss.md'), 'utf8');
  const [, ...losses] = text.split(/^## /m);
  const titles = losses.map((loss) => loss.split('\n', 1)[0] ?? '');
  for (const loss of [/token/, /PIN/, /recovery token/, /Shares/, /A node of two/, /both nodes/]) {
    t.true(
      titles.some((title) => loss.test(title)),
      String(loss),
    );
  }
  for (const [i, loss] of losses.entries()) {
    for (const part of ['**First**: ', '**Not**: ']) t.true(loss.includes(part), titles[i]);
    t.true(said(loss).length > 0, titles[i]);
  }
});

test('every link within the project leads somewhere', (t) => {
  const broken = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:)([^)#]*)(#[^)]+)?\)/g)]
      .filter(([, target = '', anchor]) => !leads(page, target, anchor))
      .map(([link]) => `${page}: ${link}`),
  );
  t.deepEqual(broken, []);
});

/** Headings as links name them: small letters, hyphens, and no other signs. */
function leads(page: string, target: string, anchor: string | undefined): boolean {
  const path = target === '' ? join(root, page) : join(root, dirname(page), target);
  if (!existsSync(path)) return false;
  if (anchor === undefined) return true;
  const headings = [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-'),
  );
  return headings.includes(anchor.slice(1));
}

test('a command or an option that is not there is found', (t) => {
  t.is(faultOf('key destroy ID --yes'), undefined);
  t.regex(faultOf('key forget ID') ?? '', /no command/);
  t.regex(faultOf('key destroy ID --at-once') ?? '', /has no --at-once/);
  t.regex(faultOf('--state DIR key forget') ?? '', /no command/);
  t.true(pages.flatMap((page) => said(readFileSync(join(root, page), 'utf8'))).length > 100);
});
