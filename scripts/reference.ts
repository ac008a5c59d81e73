import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { referenceFiles } from './document/reference.ts';

/** Writes what is made from code: `npm run reference`; a test holds it to the code. */
const root = join(import.meta.dirname, '..');
for (const [path, text] of referenceFiles()) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
