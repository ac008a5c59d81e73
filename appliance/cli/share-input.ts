import { readFileSync } from 'node:fs';
import { KeeperError } from '../keeper-client/keeper.ts';
import { readShare, wrongWords } from '../keeper-client/share.ts';
import { CommandError } from './context.ts';
import type { Context } from './context.ts';
import { refusalOf } from './keeper.ts';

/** Takes what was typed off the screen again: cursor up, line cleared. */
const wipeLine = '\u001b[1A\u001b[2K';

/**
 * The shares in these files, or, where none is named, those that are typed at the terminal until
 * there are enough of them. What cannot be read is said here, before anything is sent.
 */
export async function givenShares(context: Context, files: readonly string[]): Promise<string[]> {
  if (files.length === 0) return typedShares(context);
  return files.map((path) => {
    const text = read(path);
    const { problem } = examine(text);
    if (problem !== undefined)
      throw refusalOf(new KeeperError(problem.code, `${path}: ${problem.message}`));
    return text;
  });
}

async function typedShares({ ask }: Context): Promise<string[]> {
  const shares: string[] = [];
  const indices = new Set<number>();
  for (let needed = 1; indices.size < needed;) {
    const text = await ask(`share ${indices.size + 1}, in words or as the QR code has it: `);
    if (text === undefined) {
      const hint = 'name the files of the shares, or type them at a terminal';
      throw new CommandError('bad-request', 'no share is named', hint);
    }
    const columns = process.stderr.columns;
    const lines = Math.ceil((text.length + 52) / (columns === 0 ? 80 : columns));
    if (process.stderr.isTTY) process.stderr.write(wipeLine.repeat(lines));
    const { problem, share } = examine(text);
    if (share === undefined) {
      process.stderr.write(`not taken: ${problem?.message ?? ''}\n`);
      continue;
    }
    if (indices.has(share.index)) {
      process.stderr.write(`not taken: share ${share.index} was given already\n`);
      continue;
    }
    needed = share.threshold;
    indices.add(share.index);
    shares.push(text);
    process.stderr.write(`share ${share.index} is taken, ${indices.size} of ${needed}\n`);
  }
  return shares;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    const hint = 'name the files of the shares';
    throw new CommandError('bad-request', `${path} cannot be read`, hint, { cause });
  }
}

/** What is wrong with a share, to the very word where that can be found out. */
function examine(text: string): {
  readonly share?: ReturnType<typeof readShare>;
  readonly problem?: KeeperError;
} {
  try {
    return { share: readShare(text) };
  } catch (error) {
    if (!(error instanceof KeeperError)) throw error;
    const wrong = error.code === 'share-damaged' ? wrongWords(text) : [];
    const [first, second] = wrong;
    if (first === undefined) return { problem: error };
    const message =
      second === undefined
        ? `word ${first} is not the one that was written down`
        : `words ${first} and ${second} have changed places`;
    return { problem: new KeeperError('share-word', message) };
  }
}
