import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attributeRules } from '../../appliance/kmip/attribute-rule.ts';
import type { AttributeRule } from '../../appliance/kmip/attribute-rule.ts';
import { nameOf, ObjectType, Operation } from '../../appliance/kmip/enumeration.ts';
import { supportedVersions } from '../../appliance/kmip/version.ts';
import { operations } from '../../appliance/operation/index.ts';
import { kmipData } from '../harness/kmip-data.ts';
import { exceptions } from './exception.ts';
import { leftOut, notes } from './left-out.ts';
import { profileCases } from './profile-case.ts';

/**
 * Writes `docs/kmip-conformance.md` from the tables that the server itself goes by and from the
 * cases that are played: `npm run conformance-page`.
 */
export const pagePath = join(import.meta.dirname, '..', '..', 'docs', 'kmip-conformance.md');

const asText = (version: number): string => `${Math.floor(version / 100)}.${version % 100}`;

function versions({ since, until }: { since: number; until?: number }): string {
  if (until === undefined) return since === 100 ? 'all' : `${asText(since)} on`;
  return since === 100 ? `to ${asText(until)}` : `${asText(since)} to ${asText(until)}`;
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [row(...head), row(...head.map(() => '---')), ...rows.map((cells) => row(...cells))];
}

function operationRows(): string[][] {
  return operations
    .map(({ operation, since, policy }) => {
      const right = 'right' in policy ? `${policy.target}, ${policy.right}` : policy.target;
      return [nameOf(Operation, operation), versions({ since }), right];
    })
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
}

/** The operations of the specifications that are not performed, each with its reason. */
export function missingOperations(): { name: string; reason: string | undefined }[] {
  const performed = new Set<number>(operations.map(({ operation }) => operation));
  return Object.entries(Operation)
    .filter(([, code]) => !performed.has(code))
    .map(([name]) => ({ name, reason: leftOut[name] }));
}

const changes: Readonly<Record<AttributeRule['modifiable'], string>> = {
  yes: 'yes',
  no: 'no',
  early: 'while Pre-Active',
  late: 'while Pre-Active or Active',
  unreached: 'while Pre-Active or Active, before it',
  unspent: 'while all is left',
};

function objectsOf({ in1, in2, since, until = Infinity }: AttributeRule): string {
  const all = Object.values(ObjectType).length;
  const said = (objects: ReadonlySet<ObjectType>): string =>
    objects.size === all
      ? 'all'
      : [...objects].map((objectType) => nameOf(ObjectType, objectType)).join(', ');
  const old = said(in1);
  const recent = said(in2);
  if (until < 200 || old === recent) return old;
  return since >= 200 ? recent : `${old}; 2.x: ${recent}`;
}

function attributeRows(): string[][] {
  return Object.entries(attributeRules).map(([name, rule]) => [
    name,
    versions(rule),
    rule.asked ? 'server, as asked' : rule.setBy,
    changes[rule.modifiable],
    rule.deletable === 'unspent' ? 'while all is left' : rule.deletable ? 'yes' : 'no',
    rule.multiple ? 'many' : 'one',
    typeof rule.always === 'number' ? `${asText(rule.always)} on` : rule.always ? 'yes' : 'no',
    rule.implicitly.map((operation) => nameOf(Operation, operation)).join(', '),
    objectsOf(rule),
  ]);
}

const attributeHead = [
  ...['attribute', 'versions', 'set by', 'changed', 'deleted', 'values', 'always'],
  ...['set by itself at', 'objects'],
];

/** How many cases of each version there are and pass; the run holds the list of all others. */
function caseRows(data: string): string[][] {
  const all = profileCases(data);
  return [...new Set(all.map(({ version }) => version))].map((version) => {
    const cases = all.filter((each) => each.version === version);
    const failing = cases.filter(({ name }) => name in exceptions).length;
    return [version, String(cases.length), String(cases.length - failing)];
  });
}

function exceptionLines(): string[] {
  const byReason = new Map<string, string[]>();
  for (const [name, reason] of Object.entries(exceptions)) {
    byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  }
  return [...byReason].map(([reason, names]) => `- ${names.join(', ')}: ${reason}.`);
}

const begin = '<!-- cases -->';
const end = '<!-- /cases -->';

/** The page; `before` gives the counts where the cases are not at hand. */
export function page(data: string | undefined, before: string): string {
  const counted = before.split(begin)[1]?.split(end)[0]?.trim().split('\n') ?? [];
  const counts = data === undefined ? counted : table(['version', 'cases', 'pass'], caseRows(data));
  const spoken = supportedVersions.map(({ major, minor }) => `${major}.${minor}`).toReversed();
  return [
    '# KMIP conformance',
    '',
    'Written by `npm run conformance-page` from the tables that the server goes by; a test ' +
      'holds it in step.',
    '',
    `Versions ${spoken.join(', ')}; a response bears the version of its request.`,
    '',
    '## OASIS profile cases',
    '',
    'Each is played to a real appliance over TLS (`test/conformance/`), with the variations of ' +
      'section 4.7 of the profiles.',
    '',
    begin,
    ...counts,
    end,
    '',
    'Those that do not pass:',
    '',
    ...exceptionLines(),
    '',
    '## Operations',
    '',
    ...table(['operation', 'versions', 'needs'], operationRows()),
    '',
    'Left out; they answer Operation Not Supported:',
    '',
    ...missingOperations().map(({ name, reason }) => `- ${name}: ${reason ?? 'not there yet'}.`),
    '',
    '## Attributes',
    '',
    'Besides these, vendors’ attributes: x-Name and y-Name in 1.x, any vendor’s in 2.x.',
    '',
    ...table(attributeHead, attributeRows()),
    '',
    '## What differs',
    '',
    ...notes.map((note) => `- ${note}`),
    '',
  ].join('\n');
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(pagePath, page(kmipData(), readFileSync(pagePath, 'utf8')));
}
