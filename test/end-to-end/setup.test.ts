import { writeFileSync } from 'node:fs';
import test from 'ava';
import { startNode } from '../harness/pair.ts';

test('a file of answers sets a node up as the wizard does', async (t) => {
  t.timeout(180_000);
  const node = await startNode(t, { fresh: true });
  const file = node.file('answers.toml');
  const setup = (...more: string[]): ReturnType<typeof node.twinlock> =>
    node.twinlock('setup', '--from', file, ...more);

  const absent = await setup('--yes');
  t.is(absent.code, 2);
  t.regex(absent.stderr, /^error: .*answers\.toml: .+\nhint: docs\/install\.md shows/);
  writeFileSync(file, '[node]\nrole = "third"\n');
  const wrong = await setup('--yes');
  t.is(wrong.code, 2);
  t.regex(wrong.stderr, /^error: .*answers\.toml: node/);

  writeFileSync(
    file,
    [
      ...['[administrator]', 'passphrase_file = "passphrase"'],
      ...['[node]', 'role = "first"', 'peer_lost = { policy = "refuse" }'],
    ].join('\n'),
  );
  writeFileSync(node.file('passphrase'), 'short\n');
  const short = await setup('--yes');
  t.is(short.code, 3);
  t.regex(short.stderr, /\nerror: .*15 characters or more\nhint: /);
  t.regex((await node.twinlock('status')).stdout, /^NOT CONFIGURED/);

  writeFileSync(node.file('passphrase'), 'long enough to be one\n');
  const unasked = await setup();
  t.is(unasked.code, 3);
  t.regex(unasked.stderr, /error: nothing was written\nhint: /);
  const done = await setup('--yes', '--json');
  t.is(done.code, 0, done.stderr);
  t.like(JSON.parse(done.stdout), { set: true });
  t.regex((await node.twinlock('peer', 'policy')).stdout, /^refuse/);

  const again = await setup('--yes');
  t.is(again.code, 3);
  t.regex(again.stderr, /error: this node has keys already\nhint: /);
});
