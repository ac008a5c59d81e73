import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import type { ObjectType } from '../kmip/enumeration.ts';
import type { Item } from '../ttlv/item.ts';
import type { AdministratorRole } from './administrator.ts';
import type { GroupRuleName } from './group-rule.ts';
import type { SealedMaterial } from './managed-object.ts';
import type { CopyPolicyName } from './payload.ts';

/**
 * What a record says. Each kind is a fact that merges (DESIGN, "Records, not rows"): states move
 * only upwards, names are sets, of concurrent records the more restrictive one wins.
 * Dates are seconds since 1970.
 */
export type Change =
  | {
      readonly kind: 'object-created';
      readonly object: string;
      readonly group: string;
      readonly objectType: ObjectType;
      readonly attributes: readonly AttributeInstance[];
      readonly form: readonly Item[];
      /** Travels beside the record, outside the chain; the record holds its commitment. */
      readonly material?: SealedMaterial;
    }
  | {
      readonly kind: 'attribute-set';
      readonly object: string;
      readonly attribute: AttributeInstance;
      /** Whether it is a further instance, or takes the place of the one with this index. */
      readonly mode: 'add' | 'modify';
    }
  | {
      readonly kind: 'attribute-deleted';
      readonly object: string;
      readonly name: string;
      readonly index: number;
    }
  | { readonly kind: 'object-activated'; readonly object: string; readonly date: number }
  | {
      readonly kind: 'object-revoked';
      readonly object: string;
      /** Revocation Reason Code (KMIP 1.4 §9.1.3.2.19); Key or CA Compromise compromise it. */
      readonly code: number;
      readonly message?: string;
      readonly date: number;
      readonly compromiseOccurrenceDate?: number;
    }
  /** One of the dates a client may set: "Deactivation Date", "Process Start Date", … */
  | {
      readonly kind: 'date-set';
      readonly object: string;
      readonly name: string;
      /** Seconds since 1970. */
      readonly value: number;
    }
  /** Destroyed for every client at once; the material stays sealed for the retention time. */
  | { readonly kind: 'destroy-intended'; readonly object: string; readonly date: number }
  | { readonly kind: 'destroy-cancelled'; readonly object: string }
  | {
      readonly kind: 'purge-agreed';
      readonly object: string;
      readonly intent: string;
      readonly members: readonly string[];
    }
  | { readonly kind: 'retention-set'; readonly seconds: number }
  | { readonly kind: 'conflict-acknowledged'; readonly conflict: string }
  | { readonly kind: 'group-made'; readonly group: string }
  | {
      readonly kind: 'group-rule-set';
      readonly group: string;
      readonly rule: GroupRuleName;
      /** Undefined where the rule is taken away. */
      readonly value: Item | undefined;
    }
  | {
      readonly kind: 'client-enrolled';
      readonly client: string;
      readonly name: string;
      readonly group: string;
      readonly fingerprint: string;
      readonly certificate: string;
      readonly state: 'allowed' | 'pending' | 'authority';
    }
  | { readonly kind: 'client-allowed'; readonly client: string; readonly group: string }
  | { readonly kind: 'client-blocked'; readonly client: string }
  | {
      readonly kind: 'administrator-enrolled';
      readonly administrator: string;
      readonly name: string;
      readonly role: AdministratorRole;
      readonly fingerprint: string;
      readonly certificate: string;
    }
  | {
      readonly kind: 'administrator-allowed';
      readonly administrator: string;
      readonly role: AdministratorRole;
    }
  | { readonly kind: 'administrator-blocked'; readonly administrator: string }
  | {
      readonly kind: 'member-joined';
      readonly node: string;
      /** As in the payload. */
      readonly recordKey: string;
      readonly transportKey: string;
      readonly name: string;
      readonly addresses: readonly string[];
    }
  | { readonly kind: 'member-removed'; readonly node: string }
  | {
      readonly kind: 'copy-policy-set';
      readonly policy: CopyPolicyName;
      /** How long a node may go on alone, in seconds; 0 but for `alone-for`. */
      readonly seconds: number;
    }
  | { readonly kind: 'audit-head'; readonly seq: number; readonly hash: string }
  | {
      readonly kind: 'node-healed';
      readonly why: 'rollback' | 'fork';
      readonly epoch: string;
      readonly common: number;
      readonly recovered: number;
      readonly rewritten: number;
    };
