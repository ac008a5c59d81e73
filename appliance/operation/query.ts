import { ObjectType, Operation, QueryFunction } from '../kmip/enumeration.ts';
import { Tag } from '../kmip/tag.ts';
import {
  anyItem,
  enumeration,
  optional,
  repeated,
  structure,
  textString,
} from '../ttlv/structure.ts';
import { defineReading } from './operation.ts';

const vendor = 'Twinlock';

/** What Register or Create can make here; a PGP key came with 1.2. */
const objectTypes: readonly (readonly [type: ObjectType, since: number, until?: number])[] = [
  [ObjectType.Certificate, 100],
  [ObjectType.SymmetricKey, 100],
  [ObjectType.PublicKey, 100],
  [ObjectType.PrivateKey, 100],
  [ObjectType.SplitKey, 100],
  [ObjectType.Template, 100, 104],
  [ObjectType.SecretData, 100],
  [ObjectType.OpaqueObject, 100],
  [ObjectType.PGPKey, 102],
];

/** Query (KMIP 1.4 §4.25), answered from the list that the dispatcher itself goes by. */
export const query = defineReading({
  operation: Operation.Query,
  since: 100,
  policy: { target: 'server' },
  request: structure({
    queryFunctions: repeated(Tag.QueryFunction, enumeration(QueryFunction)),
  }),
  response: structure({
    operations: repeated(Tag.Operation, enumeration(Operation)),
    objectTypes: repeated(Tag.ObjectType, enumeration(ObjectType)),
    vendorIdentification: optional(Tag.VendorIdentification, textString),
    serverInformation: optional(Tag.ServerInformation, anyItem),
    applicationNamespaces: repeated(Tag.ApplicationNamespace, textString),
  }),
  prepare: (request, context) => () => {
    const asked = new Set(request.queryFunctions);
    const types = objectTypes.filter(
      ([, since, until = Infinity]) => since <= context.version && context.version <= until,
    );
    return {
      operations: asked.has(QueryFunction.QueryOperations) ? context.operations : [],
      objectTypes: asked.has(QueryFunction.QueryObjects) ? types.map(([type]) => type) : [],
      ...(asked.has(QueryFunction.QueryServerInformation) ? { vendorIdentification: vendor } : {}),
      applicationNamespaces: [],
    };
  },
});
