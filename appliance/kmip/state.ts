import { RevocationReasonCode, State } from './enumeration.ts';

/** What the records say of an object's life; dates are seconds since 1970. */
export interface Life {
  readonly activationDate?: number;
  readonly deactivationDate?: number;
  /** Said by an Activate or a Revoke: holds whatever the clock said that dated it. */
  readonly activated?: boolean;
  readonly deactivated?: boolean;
  readonly compromised: boolean;
  readonly destroyed: boolean;
}

/**
 * The state at a moment (KMIP 1.4 §3.22, figure 1): computed from the dates on reading, never
 * stored, so that nodes whose clocks differ cannot come to differ in what they hold.
 */
export function stateAt(life: Life, now: number): State {
  if (life.destroyed) return life.compromised ? State.DestroyedCompromised : State.Destroyed;
  if (life.compromised) return State.Compromised;
  const passed = (date: number | undefined): boolean => date !== undefined && date <= now;
  if (life.deactivated === true || passed(life.deactivationDate)) return State.Deactivated;
  if (life.activated === true || passed(life.activationDate)) return State.Active;
  return State.PreActive;
}

/** Whether a Revocation Reason Code means a compromise (KMIP 1.4 §3.31). */
export function isCompromise(code: number): boolean {
  return code === RevocationReasonCode.KeyCompromise || code === RevocationReasonCode.CACompromise;
}
