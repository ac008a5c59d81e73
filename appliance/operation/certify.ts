import type { KeyObject } from 'node:crypto';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { CertificateRequestType, LinkType, ObjectType } from '../kmip/enumeration.ts';
import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { pem, readRequest } from '../pki/x509.ts';
import { byteString, enumeration, optional, required, structure } from '../ttlv/structure.ts';
import { asAttributes, templateAttribute } from './attribute-codec.ts';
import { issuerOf, sealCertificate, signCertificate } from './issuer.ts';
import { openKey } from './key-use.ts';
import { setLink } from './link.ts';
import { requestedAttributes, storeObject } from './new-object.ts';
import { defineChange } from './operation.ts';
import { storageField } from './protection-storage.ts';
import type { Context } from './operation.ts';

/** Certify (KMIP 1.4 §4.7): a certificate for a public key, signed by the key group's authority. */
export const certify = defineChange({
  operation: Operation.Certify,
  since: 100,
  policy: { target: 'object', right: 'modify' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    requestType: optional(Tag.CertificateRequestType, enumeration(CertificateRequestType)),
    certificateRequest: optional(Tag.CertificateRequest, byteString),
    templateAttribute: optional(Tag.TemplateAttribute, templateAttribute, asAttributes),
    ...storageField,
  }),
  response: structure({ uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) }),
  async prepare(request, context) {
    const object = context.target(context.keystore, request.uniqueIdentifier);
    const template = request.templateAttribute ?? { names: [], attributes: [] };
    const attributes = requestedAttributes(template, context);
    const { key, subject } = await certified(object, request, attributes, context);
    const issuer = await issuerOf(context);
    const text = signCertificate(issuer, subject, key, context);
    const { uniqueIdentifier: publicKey } = object;
    const made = await sealCertificate(text, attributes, publicKey, context);
    return (draft) => {
      issuer.store(draft);
      storeObject(made, draft, context);
      const now = context.target(draft, publicKey);
      setLink(draft, now, LinkType.CertificateLink, made.uniqueIdentifier);
      context.place(made.uniqueIdentifier);
      return { uniqueIdentifier: made.uniqueIdentifier };
    };
  },
});

interface Asked {
  readonly requestType?: CertificateRequestType;
  readonly certificateRequest?: Uint8Array;
}

/**
 * The key and the name to certify. A request has to be of the object's own key, and proves that its
 * maker holds the private half; without one the client's right to the object is what counts.
 */
export async function certified(
  object: ManagedObject,
  { requestType, certificateRequest }: Asked,
  attributes: readonly AttributeInstance[],
  context: Context,
): Promise<{ readonly key: KeyObject; readonly subject: string }> {
  if (object.objectType !== ObjectType.PublicKey) {
    throw new KmipError(ResultReason.InvalidObjectType, 'Only public keys are certified');
  }
  using opened = await openKey(object, context);
  const key = opened.asymmetric();
  const named = attributes.find(({ name }) => name === 'Name')?.value;
  const items = named?.type === 'Structure' ? named.value : [];
  const name = items.find(({ tag }) => tag === Tag.NameValue)?.value;
  const fallback = typeof name === 'string' ? name : object.uniqueIdentifier;
  if (certificateRequest === undefined) return { key, subject: fallback };
  const { PKCS_10, PEM } = CertificateRequestType;
  if (requestType !== undefined && requestType !== PKCS_10 && requestType !== PEM) {
    throw new KmipError(ResultReason.InvalidCSR, 'Requests are read as PKCS #10 alone');
  }
  const bytes = Buffer.from(certificateRequest);
  const text = requestType === PEM ? bytes.toString() : pem('CERTIFICATE REQUEST', bytes);
  try {
    const request = readRequest(text);
    if (!request.publicKey.equals(key)) throw new Error('of another key');
    return { key, subject: request.commonName };
  } catch (cause) {
    const message = 'The certificate request is not a signed one of this key';
    throw new KmipError(ResultReason.InvalidCSR, message, { cause });
  }
}
