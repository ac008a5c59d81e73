import type { Conflict } from '../keystore/conflict.ts';
import type { ScrubView } from '../keystore/scrub.ts';
import type { PeerView } from './carrier.ts';
import type { CopyView } from './copy-promise.ts';
import type { Wound } from './history.ts';
import type { PurgeView } from './purge.ts';

/** A clock that differs by more than this is worth a person's look; nothing depends on it. */
const skewSeconds = 5;
const soonSeconds = 3 * 86_400;

export interface ReplicationView {
  readonly copies: CopyView;
  readonly peers: readonly PeerView[];
  readonly wound: Wound | undefined;
  /** Records that a put-back node waits for. */
  readonly missing: number;
  readonly conflicts: readonly Conflict[];
  /** Keys whose secret should be on this node and is not. */
  readonly lacking: number;
  readonly purge: PurgeView;
  readonly scrub: ScrubView;
  /** What the carrier says is wrong with itself. */
  readonly carrier: readonly string[];
}

/** What is wrong between the nodes and what to do, for status, console and metrics. */
export function replicationAlarms(view: ReplicationView): string[] {
  const { copies, peers, conflicts, lacking, purge } = view;
  const own = [
    ...(lacking === 0
      ? []
      : [`${lacking} secrets are missing here: the peer is asked, else restore`]),
    ...damageAlarms(view.scrub),
    ...(purge.jumped === undefined
      ? []
      : [`the clock jumped by ${purge.jumped} s: look at its time server; no key is purged by it`]),
  ];
  if (!copies.paired) return [...own, ...woundAlarms(view)];
  const { single, policy, seconds, aloneSeconds, accepting } = copies;
  const open = conflicts.filter(({ settled }) => !settled);
  const left = Math.max(0, seconds - aloneSeconds);
  const alone =
    policy === 'alone-for' ? `new keys for ${hoursOf(left)} more` : 'no new key is made';
  const until = copies.present ? 'new keys have their second copy elsewhere' : alone;
  return [
    ...own,
    ...woundAlarms(view),
    ...view.carrier,
    ...peers.flatMap((peer) => peerAlarms(peer, until)),
    ...(peers.length === 0
      ? [`this node has no peer any more: pair it with another one; ${until}`]
      : []),
    ...(single.count === 0
      ? []
      : [`${single.count} keys have a single copy, on this node: bring the peer back`]),
    ...(copies.journal === 'failed' ? ['the journal cannot be written: look at its medium'] : []),
    ...(accepting ? [] : ['no new key is answered: it would have a single copy']),
    ...(open.length === 0
      ? []
      : [`${open.length} conflicts wait for a person: twinlock conflict list`]),
  ];
}

/** In hours, or minutes where that says more. */
function hoursOf(seconds: number): string {
  return seconds < 7_200 ? `${Math.ceil(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

/** Keys that nobody can bring back soon; no alarm, because it was wanted. */
export function purgeWarnings({ kept, soonest }: PurgeView): string[] {
  if (soonest === undefined || soonest > soonSeconds) return [];
  const days = Math.ceil(soonest / 86_400);
  return [`of ${kept} destroyed keys the first is purged within ${days} d: twinlock key purge`];
}

/** What was found that nobody had asked for yet: the disk may be about to fail. */
function damageAlarms({ unsound, unreadable }: ScrubView): string[] {
  return [
    ...(unsound === 0
      ? []
      : [`${unsound} stored records are damaged here: the peer is asked, else restore`]),
    ...(unreadable
      ? ['the database cannot be read in a place: look at the disk, then let it join its peer anew']
      : []),
  ];
}

/** What an old disk or database that was put back means: nobody may build upon it unseen. */
function woundAlarms({ copies, wound, missing }: ReplicationView): string[] {
  if (wound === undefined) return [];
  if (copies.paired && missing === 0) {
    return ['an older disk was put back: it only reads until its peer has healed it'];
  }
  const peer = copies.paired ? 'bring the peer back, or ' : '';
  return [
    `an older database was put back, ${missing} records are missing: it only reads`,
    `${peer}put the newer one back, or restore a backup or journal`,
    'or go on without them: twinlock database accept-loss',
  ];
}

function peerAlarms(
  { name, state, skew, equal, lacking, trouble }: PeerView,
  until: string,
): string[] {
  const what = {
    present: undefined,
    'catching-up': `${name} is catching up`,
    slow: `${name} answers late: look at the network between the nodes`,
    unable: `${name} cannot prove its root key: see its status; ${until}`,
    away: `${name} is away${trouble === undefined ? '' : ` (${trouble})`}: ${until}`,
  }[state];
  return [
    ...(what === undefined ? [] : [what]),
    ...(skew === undefined || Math.abs(skew) <= skewSeconds
      ? []
      : [`${name}'s clock differs by ${skew} s: set both by one time server`]),
    ...(equal === false ? [`${name} makes something else of the same records: report this`] : []),
    ...(lacking === 0 ? [] : [`${name} lacks the secrets of ${lacking} keys`]),
  ];
}
