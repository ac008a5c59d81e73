import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { command, removeFolder, temporaryFolder } from '../harness/appliance.ts';

/** A box's journal, written by systemd's own program and read by journalctl. */
const writer = '/lib/systemd/systemd-journal-remote';
const reader = (await command('sh', ['-c', 'command -v journalctl'])).stdout.trim();
const there = existsSync(writer) && reader !== '';
if (!there) console.log('skipped: no systemd-journal-remote that writes a journal');
const twinlock = join(import.meta.dirname, '..', '..', 'scripts', 'twinlock');

type Line = Readonly<Record<string, string>>;
const server = { _SYSTEMD_UNIT: 'twinlock-server.service', _PID: '41' };
const token = { _SYSTEMD_UNIT: 'twinlock-token@second.service', _PID: '42' };

const lines: readonly Line[] = [
  { _PID: '1', UNIT: 'twinlock-server.service', MESSAGE: 'Started Twinlock server.' },
  {
    ...server,
    MESSAGE: JSON.stringify({ level: 'info', msg: 'serving on ::', port: 5696, more: 'SECRET-a' }),
    _CMDLINE: 'node SECRET-b',
  },
  { ...token, MESSAGE: 'C_Login with PIN SECRET-c' },
  { ...token, MESSAGE: JSON.stringify({ msg: 'a call took too long', pin: 'SECRET-d' }) },
  // Who says that it is systemd is so only where the journal says it too.
  { ...token, SYSLOG_IDENTIFIER: 'systemd', UNIT: 'twinlock-server.service', MESSAGE: 'SECRET-e' },
  { _SYSTEMD_UNIT: 'other.service', _PID: '43', MESSAGE: JSON.stringify({ msg: 'SECRET-f' }) },
  {
    ...{ _PID: '1', UNIT: 'twinlock-token@second.service', EXIT_CODE: 'killed', EXIT_STATUS: '9' },
    MESSAGE: 'twinlock-token@second.service: Main process exited, code=killed, status=9/KILL',
  },
];

/** The journal export format: a field a line, an empty line behind each entry. */
function exported(entries: readonly Line[]): string {
  const boot = '0123456789abcdef0123456789abcdef';
  return entries
    .map((entry, i) => {
      const at = 1_764_000_000_000_000 + i;
      const times = { __REALTIME_TIMESTAMP: String(at), __MONOTONIC_TIMESTAMP: String(i + 1) };
      const all = { ...times, _BOOT_ID: boot, PRIORITY: '6', ...entry };
      return `${Object.entries(all)
        .map(([name, value]) => `${name}=${value}\n`)
        .join('')}\n`;
    })
    .join('');
}

(there ? test : test.skip)(
  'of a box’s journal a bundle has what is listed, no other word',
  async (t) => {
    t.timeout(120_000);
    const folder = temporaryFolder();
    t.teardown(() => {
      removeFolder(folder);
    });
    const [journal, bin] = [join(folder, 'journal'), join(folder, 'bin')];
    for (const each of [journal, bin]) mkdirSync(each);
    const input = exported(lines);
    execFileSync(writer, ['--output', join(journal, 'box.journal'), '-'], { input });
    // The real journalctl, told where this box's journal lies.
    const real = join(bin, 'journalctl');
    writeFileSync(real, `#!/bin/sh\nexec ${reader} --directory=${journal} "$@"\n`);
    chmodSync(real, 0o755);

    const box = ['--socket', join(folder, 'none.sock'), '--console', join(folder, 'none.sock')];
    const listed = await command(twinlock, [...box, 'support', 'list', '--json']);
    const { parts } = JSON.parse(listed.stdout) as { parts: { name: string }[] };
    const names = parts.map(({ name }) => name);
    t.true(names.includes('journal.jsonl'));
    t.false(names.includes('server.log'));

    const out = join(folder, 'bundle.tar.gz');
    const path = `PATH=${bin}:${process.env['PATH'] ?? ''}`;
    const words = [path, twinlock, ...box, 'support', 'bundle', '--yes', '--out', out];
    const made = await command('env', words);
    t.is(made.code, 0, made.stderr);
    const { stdout } = await command('tar', ['-xzOf', out, 'twinlock-support/journal.jsonl']);
    const found = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    t.like(found, [
      { UNIT: 'twinlock-server.service', message: 'Started Twinlock server.' },
      { _SYSTEMD_UNIT: server._SYSTEMD_UNIT, line: { msg: 'serving on ::', port: 5696 } },
      { _SYSTEMD_UNIT: token._SYSTEMD_UNIT, line: { msg: 'a call took too long' } },
      { UNIT: token._SYSTEMD_UNIT, EXIT_CODE: 'killed', EXIT_STATUS: '9' },
      { leftOut: { [token._SYSTEMD_UNIT]: 2 } },
    ]);
    t.regex(String(found[3]?.['message']), /status=9\/KILL$/);
    const all = await command('tar', ['-xzOf', out]);
    t.false(all.stdout.includes('SECRET'));
  },
);
