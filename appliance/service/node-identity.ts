import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The node's identifier: 16 random bytes in hexadecimal, made once. */
export function nodeIdentity(folder: string, random: (bytes: number) => Buffer): string {
  const path = join(folder, 'node');
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const identity = random(16).toString('hex');
    writeFileSync(path, `${identity}\n`, { mode: 0o644, flush: true });
    return identity;
  }
}
