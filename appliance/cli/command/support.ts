import { closeSync, openSync, writeSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { table } from '../format.ts';
import { ProgressBar } from '../progress.ts';
import { supportParts } from '../support-part.ts';
import type { SupportPart } from '../support-part.ts';
import { tarEnd, tarEntry } from '../tar.ts';

/** Those parts that can be had from where the command runs. */
function partsFor({ elsewhere, state }: Context): readonly SupportPart[] {
  const here = state === undefined ? 'box' : 'trial';
  return supportParts.filter(
    ({ localOnly, of }) => (localOnly !== true || !elsewhere) && (of ?? here) === here,
  );
}

function list(context: Context): Promise<void> {
  const parts = partsFor(context).map(({ name, what }) => ({ name, what }));
  context.print({ parts }, () =>
    table(
      ['FILE', 'WHAT'],
      parts.map(({ name, what }) => [name, what]),
    ),
  );
  return Promise.resolve();
}

/** Writes what the list says into one archive, after a person saw the list or --yes said so. */
async function bundle(context: Context, { out, yes }: { out: string; yes?: true }): Promise<void> {
  const { print, ask, state, json } = context;
  const parts = partsFor(context);
  if (yes !== true) {
    const lines = parts.map(({ name, what }) => `  ${name.padEnd(20)} ${what}`);
    const typed = await ask(`${out} will contain\n${lines.join('\n')}\nwrite it (yes/no)? `);
    if (typed !== 'yes') {
      const hint = 'see `twinlock support list`, and repeat with --yes';
      throw new CommandError('refused', 'nobody said yes', hint);
    }
  }
  const bar = new ProgressBar('support bundle', json);
  const made: { name: string; bytes: number; failed?: string }[] = [];
  const entries: Buffer[] = [];
  for (const [i, part] of parts.entries()) {
    bar.show(i, parts.length, part.name);
    const { content, failed } = await contentOf(part, context, state);
    entries.push(tarEntry(`twinlock-support/${part.name}`, content));
    made.push({
      name: part.name,
      bytes: content.length,
      ...(failed === undefined ? {} : { failed }),
    });
  }
  bar.end();
  // Of a node that does not answer, what is known is wanted all the more.
  if (made.every(({ failed }) => failed !== undefined)) {
    const hint = 'is it running, and may you open its socket? see --state and --socket';
    throw new CommandError('not-reachable', 'nothing could be collected', hint);
  }
  writeNew(out, gzipSync(Buffer.concat([...entries, tarEnd])));
  print({ out, parts: made }, () => {
    const failed = made.filter((each) => each.failed !== undefined);
    const lacking = failed.map((each) => `${each.name} is not in it: ${each.failed ?? ''}`);
    return [`${out} has ${made.length - failed.length} files and no key`, ...lacking].join('\n');
  });
}

async function contentOf(
  part: SupportPart,
  context: Context,
  state: string | undefined,
): Promise<{ content: Buffer; failed?: string }> {
  try {
    return { content: Buffer.from(await part.make(context, state)) };
  } catch (error) {
    const failed = error instanceof Error ? error.message : 'unknown';
    return { content: Buffer.from(`not there: ${failed}\n`), failed };
  }
}

/** For its owner alone; a file that is there stays. */
function writeNew(path: string, bytes: Buffer): void {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (cause) {
    const hint = 'choose another --out';
    throw new CommandError('refused', `${path} is there, or cannot be made`, hint, { cause });
  }
  try {
    writeSync(file, bytes);
  } finally {
    closeSync(file);
  }
}

export const commands: readonly Command[] = [
  {
    name: 'support list',
    what: 'what a support bundle contains: nothing else ever is in one',
    run: (context) => list(context),
  },
  {
    name: 'support bundle',
    what: 'collect what support needs into one .tar.gz, never a key; shows the list first',
    options: [
      { flags: '--out <file>', what: 'where it goes', default: 'twinlock-support.tar.gz' },
      { flags: '--yes', what: 'do not ask' },
    ],
    run: (context, _, options: Parameters<typeof bundle>[1]) => bundle(context, options),
  },
];
