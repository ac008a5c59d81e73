import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { softhsmModule } from './module.ts';
import type { SoftwareToken } from './software-token.ts';

/** SoftHSM with its files in a folder of its own. */
export function softhsm(folder: string): SoftwareToken {
  const tokens = join(folder, 'tokens');
  mkdirSync(tokens, { recursive: true, mode: 0o700 });
  const configuration = join(folder, 'softhsm2.conf');
  const lines = [`directories.tokendir = ${tokens}`, 'objectstore.backend = file', ''];
  writeFileSync(configuration, lines.join('\n'));
  return {
    module: softhsmModule(),
    environment: { SOFTHSM2_CONF: configuration },
    ended: new Promise(() => {}),
    stop: () => Promise.resolve(),
  };
}
