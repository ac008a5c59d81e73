import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { AttributeInstance } from '../kmip/attribute-instance.ts';
import { CertificateType, CryptographicAlgorithm, LinkType } from '../kmip/enumeration.ts';
import { ObjectType, State } from '../kmip/enumeration.ts';
import { CryptographicUsageMask } from '../kmip/mask.ts';
import { Tag } from '../kmip/tag.ts';
import type { Draft } from '../keystore/keystore.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { buildCertificate, keyUsage } from '../pki/x509.ts';
import { certificateBytes } from './certificate.ts';
import { makePair, sealPair } from './key-pair.ts';
import { openKey } from './key-use.ts';
import { linked, linkValue, setLink } from './link.ts';
import { sealObject, storeObject } from './new-object.ts';
import type { NewObject } from './new-object.ts';
import type { Context } from './operation.ts';

/** Who signs a key group's certificates. */
export interface Issuer {
  readonly key: KeyObject;
  readonly name: string;
  /** Stores what was made for it; nothing where the group had it already. */
  readonly store: (draft: Draft) => void;
}

const authorityYears = 20;
const certificateYears = 2;
const year = 365 * 86_400;

/**
 * The certificate authority of the client's key group: its newest Active private key that may sign
 * certificates and links to a certificate, be it registered by a client or made by the group's
 * first Certify. It is an object of the group like any other, so no group can sign for another.
 */
export async function issuerOf(context: Context): Promise<Issuer> {
  const { keystore, client } = context;
  const keys = keystore.locate(client.group, {
    objectType: ObjectType.PrivateKey,
    state: State.Active,
    usageMask: CryptographicUsageMask.CertificateSign,
    attributes: [],
    dates: [],
    offset: 0,
    maximum: 1000,
  });
  for (const identifier of [...keys].reverse()) {
    const key = keystore.object(identifier);
    const certificate = key === undefined ? undefined : certificateOf(key, context);
    if (key === undefined || certificate === undefined) continue;
    const { subject } = new X509Certificate(await certificateBytes(certificate, context));
    using opened = await openKey(key, context);
    return { key: opened.asymmetric(), name: commonName(subject), store: () => undefined };
  }
  return newIssuer(context);
}

function certificateOf(key: ManagedObject, context: Context): ManagedObject | undefined {
  const { keystore } = context;
  const own = (identifier: string | undefined): ManagedObject | undefined => {
    const found = identifier === undefined ? undefined : keystore.object(identifier);
    return found?.group === context.client.group ? found : undefined;
  };
  const direct = own(linked(key, LinkType.CertificateLink));
  const publicKey = own(linked(key, LinkType.PublicKeyLink));
  const behind = publicKey && own(linked(publicKey, LinkType.CertificateLink));
  const found = direct ?? behind;
  return found?.objectType === ObjectType.Certificate && found.hasMaterial ? found : undefined;
}

/** The CN of a distinguished name as node writes it, one attribute a line. */
export function commonName(subject: string): string {
  const line = subject.split('\n').find((each) => each.startsWith('CN='));
  return line?.slice(3) ?? subject.replaceAll('\n', ', ');
}

async function newIssuer(context: Context): Promise<Issuer> {
  const kind = { algorithm: CryptographicAlgorithm.RSA, length: 3072 };
  const pair = await makePair(kind);
  const attributes = (bits: number): AttributeInstance[] => [
    { name: 'Cryptographic Usage Mask', index: 0, value: { type: 'Integer', value: bits } },
    {
      name: 'Activation Date',
      index: 0,
      value: { type: 'DateTime', value: BigInt(context.now()) },
    },
  ];
  const { CertificateSign, Verify } = CryptographicUsageMask;
  // Only the server signs with it: it never leaves.
  const kept = { type: 'Boolean', value: false } as const;
  const hidden: AttributeInstance = { name: 'Extractable', index: 0, value: kept };
  const both = {
    privateKey: [...attributes(CertificateSign), hidden],
    publicKey: attributes(Verify),
  };
  const made = await sealPair(pair, kind, both, context);
  const name = `Key group ${context.client.group}`;
  const now = context.now();
  const pem = buildCertificate(
    {
      serial: serialNumber(context),
      issuer: name,
      subject: name,
      notBefore: now,
      notAfter: now + authorityYears * year,
      publicKey: pair.publicKey,
      subjectKeyIdentifier: keyIdentifier(pair.publicKey),
      authority: true,
      purposes: [],
      names: [],
      keyUsage: keyUsage.certSign | keyUsage.crlSign,
    },
    pair.privateKey,
  );
  const certificate = await sealCertificate(pem, [], made.publicKey.uniqueIdentifier, context);
  return {
    key: pair.privateKey,
    name,
    store(draft) {
      for (const each of [made.publicKey, made.privateKey, certificate]) {
        storeObject(each, draft, context);
      }
      for (const { uniqueIdentifier } of [made.publicKey, made.privateKey]) {
        const object = draft.object(uniqueIdentifier);
        if (object === undefined) continue;
        setLink(draft, object, LinkType.CertificateLink, certificate.uniqueIdentifier);
      }
    },
  };
}

/** 16 bytes, the first bit 0 (RFC 5280 §4.1.2.2). */
function serialNumber({ random }: Context): Buffer {
  const serial = random(16);
  serial[0] = (serial[0] ?? 0) & 0x7f;
  return serial;
}

/** RFC 7093 §2, method 4: 20 bytes of the SHA-256 of the key's whole encoding. */
function keyIdentifier(key: KeyObject): Buffer {
  const der = key.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(der).digest().subarray(0, 20);
}

/** Signs a certificate for a public key. `subject`: its common name. */
export function signCertificate(
  issuer: Issuer,
  subject: string,
  publicKey: KeyObject,
  context: Context,
): string {
  const now = context.now();
  return buildCertificate(
    {
      serial: serialNumber(context),
      issuer: issuer.name,
      subject,
      notBefore: now,
      notAfter: now + certificateYears * year,
      publicKey,
      issuerKeyIdentifier: keyIdentifier(createPublicKey(issuer.key)),
      subjectKeyIdentifier: keyIdentifier(publicKey),
      authority: false,
      purposes: [],
      names: [],
      keyUsage: keyUsage.digitalSignature | keyUsage.keyEncipherment,
    },
    issuer.key,
  );
}

/** Seals a certificate as an object that links to its public key's. */
export function sealCertificate(
  pem: string,
  attributes: readonly AttributeInstance[],
  publicKey: string | undefined,
  context: Context,
): Promise<NewObject> {
  const der = Buffer.from(new X509Certificate(pem).raw);
  const one = (name: string, value: AttributeInstance['value']): AttributeInstance => ({
    ...{ name, index: 0, value },
  });
  const type = { type: 'Enumeration', value: CertificateType.X_509 } as const;
  const link = publicKey === undefined ? [] : [linkValue(LinkType.PublicKeyLink, publicKey)];
  const said = new Set(['Certificate Type', 'Certificate Length', 'Link']);
  return sealObject(
    {
      objectType: ObjectType.Certificate,
      attributes: [
        ...attributes.filter(({ name }) => !said.has(name)),
        one('Certificate Type', type),
        one('Certificate Length', { type: 'Integer', value: der.length }),
        ...link.map((value) => one('Link', value)),
      ],
      form: [{ tag: Tag.CertificateType, ...type }],
      secret: { tag: Tag.CertificateValue, type: 'ByteString', value: der },
      digestBytes: der,
      made: true,
    },
    context,
  );
}
