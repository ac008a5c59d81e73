import type { KeyObject } from 'node:crypto';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { CertificateRequestType, LinkType, ObjectType } from '../kmip/enumeration.ts';
import { Operation, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { pem, readRequest } from '../pki/x509.ts';
import { decode } from '../ttlv/decode.ts';
import { byteString, enumeration, optional, required, structure } from '../ttlv/structure.ts';
import { asAttributes, templateAttribute } from './attribute-codec.ts';
import { issuerOf, sealCertificate, signCertificate } from './issuer.ts';
import { openKey } from './key-use.ts';
import { setLink } from './link.ts';
import { requestedAttributes, storeObject } from './new-object.ts';
import { defineChange } from './operation.ts';
import { storageField } from './protection-storage.ts';
import type { Context } from './operation.ts';

/**
 * The request itself: as bytes, under the tag that 2.x gave such bytes when an object took the old
 * one, or as an object that was registered (KMIP 2.1 §2.2, §6.1.6).
 */
export const requestFields = {
  certificateRequest: optional(Tag.CertificateRequest, byteString),
  certificateRequestValue: optional(Tag.CertificateRequestValue, byteString, { since: 200 }),
  storedRequest: optional(Tag.CertificateRequestUniqueIdentifier, identifier, { since: 200 }),
};

/** Certify (KMIP 1.4 §4.7): a certificate for a public key, signed by the key group's authority. */
export const certify = defineChange({
  operation: Operation.Certify,
  since: 100,
  policy: { target: 'object', right: 'modify' },
  request: structure({
    uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
    requestType: optional(Tag.CertificateRequestType, enumeration(CertificateRequestType)),
    ...requestFields,
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
    const { objectType, uniqueIdentifier: source } = object;
    const publicKey = objectType === ObjectType.PublicKey ? source : undefined;
    const made = await sealCertificate(text, attributes, publicKey, context);
    return (draft) => {
      issuer.store(draft);
      storeObject(made, draft, context);
      const now = context.target(draft, source);
      setLink(draft, now, LinkType.CertificateLink, made.uniqueIdentifier);
      context.place(made.uniqueIdentifier);
      return { uniqueIdentifier: made.uniqueIdentifier };
    };
  },
});

export interface Asked {
  readonly requestType?: CertificateRequestType;
  readonly certificateRequest?: Uint8Array;
  readonly certificateRequestValue?: Uint8Array;
  readonly storedRequest?: string;
}

interface Certified {
  readonly key: KeyObject;
  /** A common name. */
  readonly subject: string;
}

/**
 * The key and the name to certify: those of a public key, or of a certificate request that is an
 * object. A request for a public key has to be of that key, and proves that its maker holds the
 * private half; without one the client's right to the object is what counts. Throws KmipError
 * Invalid Object Type, Invalid CSR.
 */
export async function certified(
  object: ManagedObject,
  asked: Asked,
  attributes: readonly AttributeInstance[],
  context: Context,
): Promise<Certified> {
  if (object.objectType === ObjectType.CertificateRequest) {
    return requestedOf(await storedRequest(object, context));
  }
  if (object.objectType !== ObjectType.PublicKey) {
    throw new KmipError(ResultReason.InvalidObjectType, 'Only public keys are certified');
  }
  using opened = await openKey(object, context);
  const key = opened.asymmetric();
  const request = await requestIn(asked, context);
  if (request === undefined) {
    return { key, subject: nameIn(attributes) ?? object.uniqueIdentifier };
  }
  const found = requestedOf(request);
  if (!found.key.equals(key)) throw invalidRequest();
  return { key, subject: found.subject };
}

/** The name that a certificate is asked to have, among the attributes of a new object. */
export function nameIn(attributes: readonly AttributeInstance[]): string | undefined {
  const named = attributes.find(({ name }) => name === 'Name')?.value;
  const items = named?.type === 'Structure' ? named.value : [];
  const name = items.find(({ tag }) => tag === Tag.NameValue)?.value;
  return typeof name === 'string' ? name : undefined;
}

interface Request {
  readonly type: CertificateRequestType | undefined;
  readonly bytes: Uint8Array;
}

/** The certificate request that a message bears or names; undefined where there is none. */
export async function requestIn(asked: Asked, context: Context): Promise<Request | undefined> {
  const { requestType: type, storedRequest: stored } = asked;
  if (stored !== undefined) {
    return storedRequest(context.target(context.keystore, stored), context);
  }
  const bytes = asked.certificateRequest ?? asked.certificateRequestValue;
  return bytes === undefined ? undefined : { type, bytes };
}

async function storedRequest(object: ManagedObject, context: Context): Promise<Request> {
  if (object.objectType !== ObjectType.CertificateRequest) {
    throw new KmipError(ResultReason.InvalidObjectType, 'This is no certificate request');
  }
  const type = object.form.find(({ tag }) => tag === Tag.CertificateRequestType)?.value;
  using material = await context.keystore.open(object);
  const secret = decode(material.bytes);
  if (secret.type !== 'ByteString') throw invalidRequest();
  const bytes = Buffer.from(secret.value);
  return { type: typeof type === 'number' ? (type as CertificateRequestType) : undefined, bytes };
}

/** What a PKCS #10 request asks for, its signature proven. Throws KmipError Invalid CSR. */
export function requestedOf({ type, bytes }: Request): Certified {
  const { PKCS_10, PEM } = CertificateRequestType;
  if (type !== undefined && type !== PKCS_10 && type !== PEM) {
    throw new KmipError(ResultReason.InvalidCSR, 'Requests are read as PKCS #10 alone');
  }
  const buffer = Buffer.from(bytes);
  const text = type === PEM ? buffer.toString() : pem('CERTIFICATE REQUEST', buffer);
  try {
    const { publicKey: key, commonName: subject } = readRequest(text);
    return { key, subject };
  } catch (cause) {
    throw invalidRequest(cause);
  }
}

function invalidRequest(cause?: unknown): KmipError {
  const message = 'The certificate request is not a signed one of this key';
  return new KmipError(ResultReason.InvalidCSR, message, { cause });
}
