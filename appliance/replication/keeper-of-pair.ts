import type { KeeperStatus } from '../keeper-client/keeper.ts';
import type { PairingCandidate, PairingProposal, Statement } from '../keeper-client/pairing.ts';

/** The keeper as a pairing uses it: it shows, compares and opens; only a person confirms. */
export interface KeeperOfPair {
  identity(): Promise<{ readonly cluster: string; readonly identity: string }>;
  propose(proposal: PairingProposal): Promise<void>;
  candidate(): Promise<PairingCandidate | undefined>;
  statement(node: string): Promise<Statement>;
  take(statement: Statement): Promise<void>;
  status(): Promise<KeeperStatus>;
}
