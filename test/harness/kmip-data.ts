import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of OASIS test data: named by an environment variable, or beside the checkout. */
export function kmipData(): string | undefined {
  const beside = join(import.meta.dirname, '..', '..', '..', 'shared', 'kmip');
  return [process.env['TWINLOCK_KMIP_DATA'], beside].find(
    (folder) => folder !== undefined && existsSync(folder),
  );
}

export const noData = 'no KMIP test data: name its folder in TWINLOCK_KMIP_DATA';

/** All files of a folder by name, as text. */
export function textFiles(folder: string): Map<string, string> {
  return new Map(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
}
