import type { StatusView } from '../admin/schema.ts';
import { Frame } from './bar.ts';
import { bigWord } from './big-word.ts';
import { stateWord, warningsOf } from './facts.ts';
import type { Facts, StateWord } from './facts.ts';
import { Box, h, Text } from './terminal.ts';
import type { ReactNode } from './terminal.ts';

/** What the terminal shows while nobody types: how the appliance is, and no secret. */
export function IdleScreen(properties: { facts: Facts; width: number; height: number }): ReactNode {
  const { facts, width, height } = properties;
  const word = stateWord(facts);
  const warnings = warningsOf(facts);
  const rows = factRows(facts);
  const room = Math.max(1, height - 2 - 7 - rows.length - 1);
  const colour = colourOf(word);
  const letters = bigWord(word, width - 2);
  // The longest, NOT CONFIGURED, takes all that a screen of 80 columns has.
  const wide = letters.some((line) => line.length > width - 4);
  return h(Frame, {
    title: `Twinlock ${facts.status?.version ?? ''}   ${facts.host}`,
    right: dateText(facts.time),
    keys: ['<F2> Configure', '<F5> Network', '<F8> Diagnostics', '<F12> Restart/Shut down'],
    width,
    height,
    children: [
      h(
        Box,
        {
          key: 'word',
          flexDirection: 'column',
          paddingX: wide ? 1 : 2,
          paddingY: 1,
          flexShrink: 0,
        },
        letters.map((line, at) => h(Text, { key: at, color: colour, bold: true }, line)),
      ),
      ...rows.map(([name, value]) => h(Row, { key: name, name, value })),
      h(Text, { key: 'gap' }, ' '),
      ...fitted(warnings, room).map((warning, at) =>
        h(Text, { key: `w${at}`, color: 'red', bold: true, wrap: 'truncate' }, `  ! ${warning}`),
      ),
    ],
  });
}

function Row({ name, value }: { name: string; value: string }): ReactNode {
  return h(Text, { wrap: 'truncate' }, `  ${name.padEnd(15)} ${value}`);
}

/** Where not all warnings have room, the last line says how many more there are. */
function fitted(warnings: readonly string[], room: number): readonly string[] {
  if (warnings.length <= room) return warnings;
  const shown = warnings.slice(0, room - 1);
  return [...shown, `${warnings.length - shown.length} more: F8 shows them`];
}

function colourOf(word: StateWord): string {
  if (word === 'SERVING') return 'green';
  return word === 'DEGRADED' || word === 'NOT CONFIGURED' ? 'yellow' : 'red';
}

/** "2026-11-24 23:58:01 UTC". */
export function dateText(time: number): string {
  return `${new Date(time * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function factRows(facts: Facts): readonly (readonly [string, string])[] {
  const { status, addresses } = facts;
  const addressText = addresses.length === 0 ? 'none: check the cable' : addresses.join('  ');
  return [
    ['Addresses', addressText],
    ...(status === undefined ? [] : statusRows(status, facts)),
    ['Clock', clockText(facts)],
  ];
}

function statusRows(status: StatusView, facts: Facts): readonly (readonly [string, string])[] {
  const { endpoint, fingerprints, certificateDays } = status;
  return [
    ['KMIP', endpoint ?? 'not served while no wrapping key is open'],
    ...(fingerprints === undefined
      ? []
      : ([
          ['SHA-1', fingerprints.sha1],
          ['SHA-256', fingerprints.sha256.slice(0, 47)],
          ['', fingerprints.sha256.slice(48)],
        ] as const)),
    ['Root key', rootKeyText(status.rootKey)],
    ['Peer', peerText(facts)],
    ['Backup', backupText(status.backup)],
    ...(certificateDays === undefined
      ? []
      : ([['Certificate', `${certificateDays} days left`]] as const)),
    ['Keys, clients', `${status.keys} keys, ${status.clients} clients allowed`],
  ];
}

function rootKeyText({ state, token, vendor, provenSeconds }: StatusView['rootKey']): string {
  const device =
    token === undefined ? 'no token' : `${token}${vendor === undefined ? '' : ` (${vendor})`}`;
  const proven =
    provenSeconds === undefined ? 'not yet proven' : `proved itself ${agoText(provenSeconds)} ago`;
  return `${device}, ${state}, ${proven}`;
}

function peerText({ peers, status }: Facts): string {
  if (peers === undefined) return status?.endpoint === undefined ? 'not known yet' : 'not known';
  const [first, ...others] = peers.peers;
  if (first === undefined) return 'none: this node serves alone';
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  const lag = first.lag === 0 ? 'in step' : `${first.lag} records behind`;
  return `${first.name} ${first.state}, ${lag}${more}`;
}

function backupText(backup: StatusView['backup']): string {
  if (backup === undefined) return 'not known yet';
  if (backup.failed !== null) return `failed ${agoText(backup.failed.seconds)} ago`;
  if (backup.verified === null) return 'none was ever made';
  return `verified ${agoText(backup.verified.seconds)} ago, ${backup.verified.keys} keys`;
}

/** Seconds in the largest unit that says enough. */
export function agoText(seconds: number): string {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.floor(seconds / 3600)} h`
    : `${Math.floor(seconds / 86_400)} days`;
}

function clockText({ clockFollows, time }: Facts): string {
  const follows =
    clockFollows === undefined
      ? ''
      : clockFollows
        ? ', follows its time server'
        : ', follows no time server';
  return `${dateText(time)}${follows}`;
}
