import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { nodesFromXml } from '../harness/xml-item.ts';
import type { XmlNode } from '../harness/xml-item.ts';

/** One request of a case and the answer that the case expects. */
export interface Exchange {
  readonly request: XmlNode;
  readonly response: XmlNode;
}

/** An OASIS profile test case: one ordered scenario. */
export interface ProfileCase {
  /** "SASED-M-2-12". */
  readonly name: string;
  /** "SASED-M": cases of one family can depend on earlier ones of it. */
  readonly family: string;
  /** Where the case stands in its family. */
  readonly number: readonly number[];
  /** "v1.2". */
  readonly version: string;
  readonly file: string;
}

/** Every case under the data folder: versions, then families, then in their order. */
export function profileCases(folder: string): ProfileCase[] {
  const profiles = join(folder, 'profiles');
  if (!existsSync(profiles)) return [];
  return globSync('**/*.xml', { cwd: profiles })
    .map((path) => caseOf(profiles, path))
    .sort(
      (a, b) =>
        compare(a.version, b.version) ||
        compare(a.family, b.family) ||
        compareNumbers(a.number, b.number),
    );
}

function caseOf(profiles: string, path: string): ProfileCase {
  const name = basename(path, '.xml');
  const family = name.replace(/(-\d+)+$/, '');
  const number = name.slice(family.length + 1).split('-');
  const version = path.split(/[\\/]/)[0] ?? '';
  return { name, family, number: number.map(Number), version, file: join(profiles, path) };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (const [i, number] of a.entries()) {
    const difference = number - (b[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Reads a case. Throws where it is not a list of requests, each with its response. */
export function exchangesOf({ file, name }: ProfileCase): Exchange[] {
  const messages = nodesFromXml(readFileSync(file, 'utf8'));
  const exchanges: Exchange[] = [];
  for (let i = 0; i < messages.length; i += 2) {
    const [request, response] = messages.slice(i, i + 2);
    if (request?.name !== 'RequestMessage' || response?.name !== 'ResponseMessage') {
      throw new Error(`${name}: message ${i} has no partner`);
    }
    exchanges.push({ request, response });
  }
  if (exchanges.length === 0) throw new Error(`${name} has no message`);
  return exchanges;
}
