import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { ObjectType, Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { structure } from '../ttlv/structure.ts';
import { makePair, pairKind, sealPair } from './key-pair.ts';
import { namedPair, pairFields, pairResponse } from './pair-payload.ts';
import { mergedTemplate, numberOf, requestedAttributes, storeObject } from './new-object.ts';
import { withDefaults } from './object-rule.ts';
import { defineChange } from './operation.ts';

/** Create Key Pair (KMIP 1.4 §4.2): a private and a public key that are linked to each other. */
export const createKeyPair = defineChange({
  operation: Operation.CreateKeyPair,
  since: 100,
  policy: { target: 'group', right: 'create' },
  request: structure(pairFields),
  response: pairResponse,
  async prepare(request, context) {
    const { PrivateKey, PublicKey } = ObjectType;
    const of = (own: typeof request.common): ReturnType<typeof requestedAttributes> =>
      requestedAttributes(mergedTemplate(request.common, own), context);
    const [privateKey, publicKey] = [of(request.privateKey), of(request.publicKey)];
    const attributes = {
      privateKey: withDefaults(PrivateKey, agreed(privateKey, publicKey), context),
      publicKey: withDefaults(PublicKey, agreed(publicKey, privateKey), context),
    };
    for (const each of Object.values(attributes)) {
      if (numberOf(each, 'Cryptographic Usage Mask') === undefined) {
        throw new KmipError(ResultReason.InvalidMessage, 'Cryptographic Usage Mask is required');
      }
    }
    const kind = pairKind([...attributes.privateKey, ...attributes.publicKey]);
    const pair = await makePair(kind);
    const made = await sealPair(pair, kind, attributes, context);
    return (draft) => {
      storeObject(made.publicKey, draft, context);
      // The private key's identifier is the ID Placeholder (§4.2).
      storeObject(made.privateKey, draft, context);
      return namedPair(made);
    };
  },
});

/** What one key says of the pair holds for the other one, which does not say it. */
function agreed(
  own: readonly AttributeInstance[],
  other: readonly AttributeInstance[],
): AttributeInstance[] {
  const ofPairs = [
    'Cryptographic Algorithm',
    'Cryptographic Length',
    'Cryptographic Domain Parameters',
  ];
  const said = new Set(own.map(({ name }) => name));
  return [...own, ...other.filter(({ name }) => ofPairs.includes(name) && !said.has(name))];
}
