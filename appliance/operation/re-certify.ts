import { X509Certificate } from 'node:crypto';
import { CertificateRequestType, LinkType, ObjectType } from '../kmip/enumeration.ts';
import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import { byteString, enumeration, interval, optional, required } from '../ttlv/structure.ts';
import { structure } from '../ttlv/structure.ts';
import { asAttributes, templateAttribute } from './attribute-codec.ts';
import { certificateBytes } from './certificate.ts';
import { certified } from './certify.ts';
import { commonName, issuerOf, sealCertificate, signCertificate } from './issuer.ts';
import { linked, setLink } from './link.ts';
import { requestedAttributes } from './new-object.ts';
import { defineChange } from './operation.ts';
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
    certificateRequest: optional(Tag.CertificateRequest, byteString),
    offset: optional(Tag.Offset, interval),
    templateAttribute: optional(Tag.TemplateAttribute, templateAttribute, asAttributes),
    ...storageField,
  }),
  response: structure({ uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) }),
  async prepare(request, context) {
    const object = context.target(context.keystore, request.uniqueIdentifier);
    const publicKey = linked(object, LinkType.PublicKeyLink);
    if (object.objectType !== ObjectType.Certificate || publicKey === undefined) {
      const message = 'Only a certificate that was made here is certified again';
      throw new KmipError(ResultReason.InvalidObjectType, message);
    }
    const old = new X509Certificate(await certificateBytes(object, context));
    const template = request.templateAttribute ?? { names: [], attributes: [] };
    const requested = requestedAttributes(template, context);
    const attributes = replacementAttributes(object, requested, request.offset, context);
    const holder = context.target(context.keystore, publicKey);
    const { key, subject } = await certified(holder, request, requested, context);
    const named = request.certificateRequest !== undefined || requested.length > 0;
    const issuer = await issuerOf(context);
    const name = named ? subject : commonName(old.subject);
    const text = signCertificate(issuer, name, key, context);
    const made = await sealCertificate(text, attributes, publicKey, context);
    const back = { ...replacedLink(made.attributes, object.uniqueIdentifier) };
    return (draft) => {
      const now = context.target(draft, object.uniqueIdentifier);
      refuseReplacement(now);
      issuer.store(draft);
      const whole = { ...made, attributes: [...made.attributes, back] };
      storeReplacement(whole, now, draft, context);
      const owner = context.target(draft, publicKey);
      setLink(draft, owner, LinkType.CertificateLink, made.uniqueIdentifier);
      context.place(made.uniqueIdentifier);
      return { uniqueIdentifier: made.uniqueIdentifier };
    };
  },
});
