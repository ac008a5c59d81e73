import { Operation } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import { required, structure } from '../ttlv/structure.ts';
import { constraints, constraintsOf } from './object-rule.ts';
import { defineReading } from './operation.ts';

/** Get Constraints (KMIP 2.1 §6.1.22): those of the client's key group. */
export const getConstraints = defineReading({
  operation: Operation.GetConstraints,
  since: 201,
  policy: { target: 'group', right: 'locate' },
  request: structure({}),
  response: structure({ constraints: required(Tag.Constraints, constraints) }),
  prepare: (_request, context) => () => ({ constraints: constraintsOf(context) }),
});
