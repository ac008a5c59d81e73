import { X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { CertificateRequestType, LinkType, ObjectType } from '../kmip/enumeration.ts';
import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { enumeration, interval, optional, required, structure } from '../ttlv/structure.ts';
import { asAttributes, templateAttribute } from './attribute-codec.ts';
import { certificateBytes } from './certificate.ts';
import { certified, nameIn, requestedOf, requestFields, requestIn } from './certify.ts';
import type { Asked } from './certify.ts';
import { commonName, issuerOf, sealCertificate, signCertificate } from './issuer.ts';
import { linked, setLink } from './link.ts';
import { requestedAttributes } from './new-object.ts';
import { defineChange } from './operation.ts';
import type { Context } from './operation.ts';
import { storageField } from './protection-storage.ts';
import { refuseReplacement, replacedLink, replacementAttributes } from './replacement.ts';
import { storeReplacement } from './replacement.ts';

/** Re-certify (KMIP 1.4 §4.8): a new certificate for the key of one there is. */
export const reCertify = defineChange({
  operation: Operation.ReCertify,
  since: 100,
  policy: { target: 'object', right: 'modify' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    requestType: optional(Tag.CertificateRequestType, enumeration(CertificateRequestType)),
    ...requestFields,
    offset: optional(Tag.Offset, interval),
    templateAttribute: optional(Tag.TemplateAttribute, templateAttribute, asAttributes),
    ...storageField,
  }),
  response: structure({ uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) }),
  async prepare(request, context) {
    const object = context.target(context.keystore, request.uniqueIdentifier);
    if (object.objectType !== ObjectType.Certificate) {
      throw new KmipError(ResultReason.InvalidObjectType, 'Only certificates are certified again');
    }
    const publicKey = linked(object, LinkType.PublicKeyLink);
    const old = new X509Certificate(await certificateBytes(object, context));
    const template = request.templateAttribute ?? { names: [], attributes: [] };
    const requested = requestedAttributes(template, context);
    const attributes = replacementAttributes(object, requested, request.offset, context);
    const { key, subject } = await certifiedAgain(old, publicKey, request, requested, context);
    const issuer = await issuerOf(context);
    const text = signCertificate(issuer, subject, key, context);
    const made = await sealCertificate(text, attributes, publicKey, context);
    const back = { ...replacedLink(made.attributes, object.uniqueIdentifier) };
    return (draft) => {
      const now = context.target(draft, object.uniqueIdentifier);
      refuseReplacement(now);
      issuer.store(draft);
      const whole = { ...made, attributes: [...made.attributes, back] };
      storeReplacement(whole, now, draft, context);
      if (publicKey !== undefined) {
        const owner = context.target(draft, publicKey);
        setLink(draft, owner, LinkType.CertificateLink, made.uniqueIdentifier);
      }
      context.place(made.uniqueIdentifier);
      return { uniqueIdentifier: made.uniqueIdentifier };
    };
  },
});

/**
 * The key and the name of the new certificate: the old one's, but for what a name among the
 * attributes or a certificate request says. The request has to be of the certificate's own key.
 */
async function certifiedAgain(
  old: X509Certificate,
  publicKey: string | undefined,
  asked: Asked,
  attributes: readonly AttributeInstance[],
  context: Context,
): Promise<{ readonly key: KeyObject; readonly subject: string }> {
  const request = await requestIn(asked, context);
  if (publicKey !== undefined) {
    const holder = context.target(context.keystore, publicKey);
    const found = await certified(holder, asked, attributes, context);
    const isNamed = request !== undefined || nameIn(attributes) !== undefined;
    return isNamed ? found : { ...found, subject: commonName(old.subject) };
  }
  const key = old.publicKey;
  if (request === undefined) return { key, subject: nameIn(attributes) ?? commonName(old.subject) };
  const found = requestedOf(request);
  if (!found.key.equals(key)) {
    throw new KmipError(ResultReason.InvalidCSR, 'The certificate request is of another key');
  }
  return { key, subject: found.subject };
}
