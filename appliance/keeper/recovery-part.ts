import type { KeeperStatus, RecoveryMember } from '../keeper-client/keeper.ts';
import { recoverySlot } from './recovery.ts';
import type { RecoverySet } from './recovery.ts';
import { recoveryTokenSlot } from './recovery-token.ts';
import type { RecoveryToken } from './recovery-token.ts';
import type { Slot } from './slot.ts';
import type { WrappingKey } from './wrapping-key.ts';

/** What a slot table holds of the ways to its keys that need no root key. */
export interface RecoveryPart {
  /** The shares' set in force. */
  readonly recovery?: RecoverySet;
  /** One that is to take its place once it is proven: until then both open. */
  readonly nextRecovery?: RecoverySet;
  /** Removed ones stay listed, so that no other node brings them back. */
  readonly recoveryTokens?: readonly RecoveryToken[];
}

/** Slots of this wrapping key for everything that is to recover it; public keys are enough. */
export function recoverySlots(part: RecoveryPart, key: WrappingKey, now: number): Slot[] {
  return [
    ...setsOf(part).map((set) => recoverySlot(set, key, now)),
    ...membersOf(part).map((member) => recoveryTokenSlot(member, key, now)),
  ];
}

/** The sets of shares: the one in force first. */
export function setsOf({ recovery, nextRecovery }: RecoveryPart): RecoverySet[] {
  return [recovery, nextRecovery].filter((set) => set !== undefined);
}

/** The tokens that are not removed. */
export function membersOf({ recoveryTokens = [] }: RecoveryPart): RecoveryToken[] {
  return recoveryTokens.filter(({ removed }) => removed === null);
}

/** Whether somebody has recovered with any of them. */
export function isProven(part: RecoveryPart): boolean {
  return [...setsOf(part), ...membersOf(part)].some(({ proven }) => proven !== null);
}

/** What the keeper's status says of it; undefined where nothing recovers the keys. */
export function recoveryStatus(part: RecoveryPart): KeeperStatus['recovery'] {
  const members: RecoveryMember[] = [
    ...setsOf(part).map(({ set: id, threshold, shares, made, proven }) => {
      return { id, kind: 'shares', threshold, shares, made, proven } as const;
    }),
    ...membersOf(part).map(({ keyId: id, token, device, made, proven }) => {
      return { id, kind: 'token', token, device, made, proven } as const;
    }),
  ];
  return members.length === 0 ? undefined : { proven: isProven(part), members };
}

/** The part in one fixed form, for the table's MAC. */
export function canonicalRecovery(part: RecoveryPart): unknown[] {
  const { recovery, nextRecovery, recoveryTokens } = part;
  return [
    ...(recovery === undefined ? [] : fieldsOf(recovery)),
    ...(nextRecovery === undefined ? [] : [['next recovery', ...fieldsOf(nextRecovery)]]),
    ...(recoveryTokens === undefined
      ? []
      : [['recovery tokens', ...recoveryTokens.map((member) => tokenFieldsOf(member))]]),
  ];
}

function fieldsOf(set: RecoverySet): unknown[] {
  const { threshold, shares, publicKey, sealedKey, mark, made, proven } = set;
  return [set.set, threshold, shares, publicKey, sealedKey, mark, made, proven];
}

function tokenFieldsOf(member: RecoveryToken): unknown[] {
  const { keyId, label, publicKey, hash, token, device, made, proven, removed } = member;
  return [keyId, label, publicKey, hash, token, device, made, proven, removed];
}

/**
 * The two parts of two nodes as one: of two sets in force a proven one before others and then the
 * newest; every token that either has, and none that either removed.
 */
export function mergedRecovery(ours: RecoveryPart, theirs: RecoveryPart): RecoveryPart {
  const recovery = laterOf(ours.recovery, theirs.recovery);
  const { nextRecovery } = ours;
  const keepsNext =
    nextRecovery !== undefined &&
    nextRecovery.set !== recovery?.set &&
    nextRecovery.made >= (recovery?.made ?? 0);
  const tokens = mergedTokens(ours.recoveryTokens, theirs.recoveryTokens);
  return {
    ...(recovery === undefined ? {} : { recovery }),
    ...(keepsNext ? { nextRecovery } : {}),
    ...(tokens.length === 0 ? {} : { recoveryTokens: tokens }),
  };
}

function laterOf(a: RecoverySet | undefined, b: RecoverySet | undefined): RecoverySet | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.set === b.set) return a.proven === null ? b : a;
  if ((a.proven === null) !== (b.proven === null)) return a.proven === null ? b : a;
  return b.made > a.made || (b.made === a.made && b.set > a.set) ? b : a;
}

function mergedTokens(
  ours: readonly RecoveryToken[] = [],
  theirs: readonly RecoveryToken[] = [],
): RecoveryToken[] {
  const merged = ours.map((member) => {
    const other = theirs.find(({ keyId }) => keyId === member.keyId);
    if (other === undefined) return member;
    return {
      ...member,
      proven: member.proven ?? other.proven,
      removed: member.removed ?? other.removed,
    };
  });
  const known = new Set(ours.map(({ keyId }) => keyId));
  return [...merged, ...theirs.filter(({ keyId }) => !known.has(keyId))];
}
