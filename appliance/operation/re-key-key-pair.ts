import { LinkType, ObjectType, Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { interval, optional, structure } from '../ttlv/structure.ts';
import { makePair, pairKind, sealPair } from './key-pair.ts';
import { namedPair, pairFields, pairResponse } from './pair-payload.ts';
import { requirePresent } from './key-use.ts';
import { linked } from './link.ts';
import { mergedTemplate, requestedAttributes } from './new-object.ts';
import { defineChange } from './operation.ts';
import { keptFormat, refuseReplacement, replacedLink } from './replacement.ts';
import { replacementAttributes, storeReplacement } from './replacement.ts';

/** Re-key Key Pair (KMIP 1.4 §4.5): a new pair in the place of the one a private key is half of. */
export const reKeyKeyPair = defineChange({
  operation: Operation.ReKeyKeyPair,
  since: 101,
  policy: { target: 'object', right: 'modify' },
  request: structure({
    privateKeyUniqueIdentifier: optional(Tag.PrivateKeyUniqueIdentifier, identifier),
    offset: optional(Tag.Offset, interval),
    ...pairFields,
  }),
  response: pairResponse,
  async prepare(request, context) {
    const privateKey = context.target(context.keystore, request.privateKeyUniqueIdentifier);
    if (privateKey.objectType === ObjectType.PrivateKey) requirePresent(privateKey);
    const other = linked(privateKey, LinkType.PublicKeyLink);
    if (privateKey.objectType !== ObjectType.PrivateKey || other === undefined) {
      const message = 'Only a private key with its public key is re-keyed';
      throw new KmipError(ResultReason.InvalidObjectType, message);
    }
    const publicKey = context.target(context.keystore, other);
    const of = (
      object: typeof privateKey,
      own: typeof request.common,
    ): ReturnType<typeof replacementAttributes> => {
      const requested = requestedAttributes(mergedTemplate(request.common, own), context);
      const attributes = replacementAttributes(object, requested, request.offset, context);
      return [...attributes, replacedLink(attributes, object.uniqueIdentifier)];
    };
    const attributes = {
      privateKey: of(privateKey, request.privateKey),
      publicKey: of(publicKey, request.publicKey),
    };
    const kind = pairKind(attributes.privateKey);
    const kept = { privateKey: keptFormat(privateKey), publicKey: keptFormat(publicKey) };
    const made = await sealPair(await makePair(kind), kind, attributes, context, kept);
    return (draft) => {
      const [oldPublic, oldPrivate] = [publicKey, privateKey].map(({ uniqueIdentifier }) =>
        context.target(draft, uniqueIdentifier),
      ) as [typeof publicKey, typeof privateKey];
      refuseReplacement(oldPrivate);
      storeReplacement(made.publicKey, oldPublic, draft, context);
      storeReplacement(made.privateKey, oldPrivate, draft, context);
      return namedPair(made);
    };
  },
});
