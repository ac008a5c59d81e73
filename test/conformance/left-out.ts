/** Operations that are not performed, by the names of the enumeration, each with its reason. */
export const leftOut: Readonly<Record<string, string>> = {
  Notify: 'a server sends it to a client; this one never calls its clients',
  Put: 'a server sends it to a client; this one never calls its clients',
  PKCS_11: 'the token is the root of trust and is not lent to clients',
  ReProvision: 'certificates of clients are allowed by an administrator, not by the client',
};

/** What a reader of the specification would not expect. */
export const notes: readonly string[] = [
  'Discover Versions is answered in 1.0 too: every client begins with it.',
  'Keys are wrapped and unwrapped by encryption (AES key wrap, block modes, RSA), by MAC or ' +
    'signature, and by both in either order; not by TR-31. A MAC alone hides nothing, so that ' +
    'Sensitive keys do not leave under one. A key registered wrapped stays so; Get gives ' +
    'it unwrapped where it is asked for Not Wrapped and the wrapping key is here.',
  'Import: the identifier is the client’s choice within its key group. A state, dates and all ' +
    'other attributes are taken as they are given, but Last Change Date and Lease Time. What is ' +
    'replaced is destroyed, so its material is kept for the retention time; a destroyed object ' +
    'does not stand in the way. What Destroy would not destroy is not replaced: an Active object ' +
    'is revoked first, an archived one recovered; and an administrator brings back no object ' +
    'whose identifier a living import bears. Locate finds an import by ' +
    'the Initial Date of its import.',
  'Export gives nothing that Get would not: Sensitive and Extractable hold for it too.',
  'Locate: the default member of an Object Group is its oldest. What is computed (Key Format ' +
    'Type, Short Unique Identifier, Opaque Data Type; in 1.0 a Digest) is looked for among at ' +
    'most 10,000 objects that have all else: more are refused, Server Limit Exceeded.',
  'Destroy keeps the material sealed for a retention time; no client can reach it.',
  'Leases last an hour and bind clients; the server keeps none. ' +
    'Fresh ends with the first Get, which does not wait for it.',
  'Usage Limits: a node spends only what it holds, and hands half on to its peer; ' +
    'apart from each other they may refuse early, and never allow too much.',
  'Decrypt, Signature Verify and MAC Verify work with Deactivated and Compromised keys: ' +
    'Get gives those out too.',
  'Certify signs with the key group’s own authority: a key that a client registered for it with ' +
    'its certificate, or one that the group’s first Certify makes; that one never leaves. ' +
    'Certificate requests are PKCS #10, in DER or PEM; not CRMF.',
  'Derive Key: PBKDF2, HASH, HMAC, ENCRYPT, SP 800-108 (HMAC, a counter of 32 bits before the ' +
    'data), HKDF, (EC)DH; not AWS Signature 4.',
  'Validate judges the certificates it is given and nothing else: no revocation lists, no roots ' +
    'of its own.',
  'Split keys: XOR and polynomials over GF(2^8).',
  'Interop’s Reset takes nothing away.',
  'RNG Seed uses none of the bytes and says so.',
  'CCM, key wrapping modes, XTS and RSA gather a stream until its end (8 MiB at most). ' +
    'Streams end after 5 minutes without use.',
  'A client of 2.x that insists on it is answered asynchronously; one of any version that takes ' +
    'it, where an operation takes more than two seconds and is alone in its message; ' +
    'once 64 answers of a client are not fetched, it is refused where it insists and answered ' +
    'at once where it does not. Answers are kept for an hour in the memory of the ' +
    'node that was asked: after ' +
    'that, after a restart and at the other node their value is unknown (Invalid Asynchronous ' +
    'Correlation Value, in 1.x Item Not Found), and Locate finds what was made. ' +
    'What is under way is not cancelled: a change that may be on disk cannot be called back.',
  'Ephemeral data is for the later items of its batch and not given out. In a batch that is to ' +
    'be undone as a whole no item takes data from another.',
  'A Server Correlation Value answers a Client Correlation Value, and both are in the log.',
  'ML-KEM and ML-DSA have numbers in the vendors’ range, which Query’s Extension Map names; ' +
    'keys are PKCS #8 and X.509. ML-KEM keys are made, kept and given out: KMIP has no ' +
    'operation for them.',
  'Undo undoes the whole batch in one commit; what is only read after it, as a key is by Get, ' +
    'fails alone.',
  'A Credential is read and set aside: the certificate says who a client is. A ticket of Login ' +
    'or Delegated Login counts: it only takes away from what its bearer’s certificate allows, ' +
    'and a delegate is a client of the same key group. Tickets live in the memory of the node ' +
    'that gave them, for a day at most: at the other node and after a restart they are Invalid ' +
    'Ticket, and a client logs in again, which its certificate lets it. So no bearer’s secret is ' +
    'on a disk, and a ticket that only narrows is never needed for a key. Their Usage Limits ' +
    'count operations.',
  'Set Endpoint Role: the server stays the server.',
  'Set Defaults and Set Constraints hold for the client’s key group, on every node; a client may ' +
    'set them where an administrator lets it (`twinlock group add-configurer`), else: Permission ' +
    'Denied. A default is ' +
    'supplied where a request of 2.x leaves an attribute out; a length comes with its own ' +
    'algorithm alone. An object that lacks a constrained attribute is outside its constraint; a ' +
    'constrained Cryptographic Usage Mask allows each part of it.',
  'The HTTPS, XML and JSON profiles (POST /kmip) are served where `server.https_listen` names ' +
    'a port. Maximum Response Size is that of the TTLV form. XML and JSON are strings, which ' +
    'cannot be overwritten in memory once they held a key.',
  'Process Start Date and Protect Stop Date are those of any key, as profile cases have it.',
  'Rotate Automatic is refused where it is true: clients re-key, the server does not by itself.',
  'Lease: a compromised object has none. Check: a failure with the values that stand against it.',
];
