import { readFileSync } from 'node:fs';
import { CommandError } from './context.ts';

const enter = [0x0a, 0x0d, 0x04];
const rubOut = [0x08, 0x7f];
const interrupt = 0x03;

/**
 * A secret that a person types unseen, or the first line of a file, as bytes that whoever asks
 * wipes; undefined where no file is named and nobody sits at a terminal. Never a string: those stay
 * in memory until they are collected.
 */
export async function secretInput(question: string, file?: string): Promise<Buffer | undefined> {
  if (file !== undefined) return firstLine(file);
  const { stdin, stderr } = process;
  if (!stdin.isTTY) return undefined;
  // First: whoever answers the question at once must not see the answer on the screen.
  stdin.setRawMode(true);
  stdin.resume();
  try {
    stderr.write(question);
    return await typed(stdin);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

function typed(stdin: NodeJS.ReadStream): Promise<Buffer> {
  const bytes = Buffer.alloc(1024);
  let length = 0;
  return new Promise((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      for (const byte of chunk) {
        if (byte === interrupt) {
          stdin.off('data', take);
          bytes.fill(0);
          reject(new CommandError('refused', 'broken off', 'nothing was changed'));
          return;
        }
        if (enter.includes(byte)) {
          stdin.off('data', take);
          resolve(Buffer.from(bytes.subarray(0, length)));
          bytes.fill(0);
          return;
        }
        if (rubOut.includes(byte)) length = Math.max(0, length - 1);
        else if (length < bytes.length) bytes[length++] = byte;
      }
      chunk.fill(0);
    };
    stdin.on('data', take);
  });
}

function firstLine(path: string): Buffer {
  try {
    const bytes = readFileSync(path);
    const end = bytes.findIndex((byte) => byte === 0x0a || byte === 0x0d);
    return end < 0 ? bytes : bytes.subarray(0, end);
  } catch (cause) {
    const hint = 'name a file whose first line is the secret';
    throw new CommandError('bad-request', `${path} cannot be read`, hint, { cause });
  }
}
