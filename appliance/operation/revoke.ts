import { revocationReason } from '../kmip/attribute-structure.ts';
import { Operation, ResultReason, State } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { isCompromise } from '../kmip/state.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { dateTime, optional, required, structure } from '../ttlv/structure.ts';
import { requireLife } from './attribute-change.ts';
import { isDestroyed } from '../keystore/imported.ts';
import { defineChange } from './operation.ts';

/**
 * Revoke (KMIP 1.4 §4.20): compromises an object at any time, even a destroyed one (§3.22), or
 * deactivates an Active one. The key stays and is given out: whoever holds data under it has to be
 * able to read it.
 */
export const revoke = defineChange({
  operation: Operation.Revoke,
  since: 100,
  policy: { target: 'object', right: 'revoke' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    revocationReason: required(Tag.RevocationReason, revocationReason),
    compromiseOccurrenceDate: optional(Tag.CompromiseOccurrenceDate, dateTime),
  }),
  response: structure({ uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) }),
  prepare: (request, context) => (draft) => {
    const object = context.target(draft, request.uniqueIdentifier);
    requireLife(object);
    const { uniqueIdentifier } = object;
    const { code, message } = request.revocationReason;
    if (!isCompromise(code) && isDestroyed(object)) {
      throw new KmipError(ResultReason.ObjectDestroyed, 'No such object');
    }
    if (!isCompromise(code) && object.state !== State.Active) {
      throw new KmipError(
        ResultReason.WrongKeyLifecycleState,
        'Only an Active object is deactivated',
      );
    }
    context.place(uniqueIdentifier);
    const occurrence = request.compromiseOccurrenceDate;
    draft.append({
      kind: 'object-revoked',
      object: uniqueIdentifier,
      code,
      ...(message === undefined ? {} : { message }),
      date: context.now(),
      ...(occurrence === undefined ? {} : { compromiseOccurrenceDate: occurrence }),
    });
    return { uniqueIdentifier };
  },
});
