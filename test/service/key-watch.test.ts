import test from 'ava';
import type { AuditEntry } from '../../appliance/audit/event.ts';
import type { KeeperStatus } from '../../appliance/keeper-client/keeper.ts';
import { KeyWatch } from '../../appliance/service/key-watch.ts';

interface Scene {
  readonly noted: AuditEntry[];
  readonly watch: () => KeyWatch;
}

/** What the database remembers, through restarts of the server. */
function scene(): Scene {
  const kept = new Map<string, string>();
  const noted: AuditEntry[] = [];
  const watch = (): KeyWatch =>
    new KeyWatch({
      recall: (name) => kept.get(name),
      remember: (name, value) => {
        kept.set(name, value);
        return Promise.resolve();
      },
      note: (entry) => {
        noted.push(entry);
      },
      log: () => {},
    });
  return { noted, watch };
}

function said(serial: number, generation: string, rootKey: string): KeeperStatus {
  return { state: 'open', token: { state: 'ready' }, serial, generation, rootKey };
}

test('an older slot table is said, by the next server too, until keys are rotated', async (t) => {
  const { noted, watch } = scene();
  const first = watch();
  await first.look(said(7, 'g1', 'r1'));
  await first.look(said(9, 'g1', 'r2'));
  t.deepEqual(first.alarms(), []);
  await first.look(said(7, 'g1', 'r1'));
  t.is(first.alarms().length, 1);
  t.like(noted.at(-1), { act: 'slot table', outcome: 'failed', reason: 'older' });
  const second = watch();
  await second.look(said(12, 'g1', 'r3'));
  t.is(second.alarms().length, 1);
  // A new wrapping key has begun, and something is still sealed under the old one.
  await second.look({ ...said(14, 'g2', 'r3'), older: ['g1'] });
  t.is(second.alarms().length, 1);
  await second.look(said(15, 'g2', 'r3'));
  t.deepEqual(second.alarms(), []);
  t.deepEqual(watch().alarms(), []);
});

test('a root key’s rotation and a scheduled one that failed are in the audit, once', async (t) => {
  const { noted, watch } = scene();
  const one = watch();
  await one.look(said(1, 'g1', 'r1'));
  t.deepEqual(noted, []);
  await one.look(said(3, 'g1', 'r2'));
  t.like(noted.at(-1), { actor: 'node', act: 'root key rotated', object: 'r2' });
  const failed = { ...said(3, 'g1', 'r2'), schedule: { rootKey: { due: 5, failed: 'token' } } };
  await one.look(failed);
  await one.look(failed);
  await watch().look(failed);
  t.like(noted.at(-1), { act: 'scheduled rotation', outcome: 'failed', reason: 'token' });
  t.is(noted.length, 2);
});
