import { State } from '../../appliance/kmip/enumeration.ts';
import type { OperationName } from '../conformance/error/asker.ts';

/**
 * The states in which an operation is let at an object that it wants to be of a kind: the others
 * stand in `authorisation.test.ts`. Processed is what was protected before: also with a key that
 * protects nothing any more (KMIP 2.1 §4.57).
 */
const all: readonly State[] = Object.values(State);
const whole = all.filter((state) => state < State.Destroyed);
const protecting = [State.Active];
const processing = [State.Active, State.Deactivated, State.Compromised];
const trusted = whole.filter((state) => state !== State.Compromised);
export const allowedOfKind: Partial<Record<OperationName, readonly State[]>> = {
  Certify: whole,
  ReCertify: trusted,
  ReKeyKeyPair: trusted,
  CreateSplitKey: whole,
  JoinSplitKey: whole,
  Recover: whole,
  Validate: whole,
  GetUsageAllocation: whole,
  DeriveKey: protecting,
  Sign: protecting,
  MAC: protecting,
  SignatureVerify: processing,
  MACVerify: processing,
};
