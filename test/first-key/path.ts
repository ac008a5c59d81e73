import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What the README has a new user type, and what it says will be seen. */
export interface ReadmePath {
  /** One line each, as it is typed. */
  readonly steps: readonly string[];
  /** Lines that the first step prints before the second can be typed. */
  readonly seen: readonly string[];
}

/** The commands of the README's section "Try it", in order: nothing is put in between. */
export function readmePath(folder: string): ReadmePath {
  const text = readFileSync(join(folder, 'README.md'), 'utf8');
  const [, section = ''] = /^## Try it\n([^]*?)^## /m.exec(text) ?? [];
  const blocks = [...section.matchAll(/^```\n([^]*?)^```$/gm)].map(([, block = '']) => block);
  const lines = blocks.flatMap((block) => block.trimEnd().split('\n'));
  const steps = lines.filter((line) => line.startsWith('./'));
  return { steps, seen: lines.filter((line) => line.startsWith('READY ')) };
}

/** Whether `scripts/install` will fetch the pinned packages, and take away those that are there. */
export function willInstall(root: string): boolean {
  const installed = join(root, 'node_modules', '.installed');
  if (!existsSync(installed)) return true;
  return statSync(join(root, 'package-lock.json')).mtimeMs > statSync(installed).mtimeMs;
}
