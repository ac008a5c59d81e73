import type { Item } from '../../../appliance/ttlv/item.ts';
import { bytes, date, enumerated, id, integer } from '../../harness/operations.ts';
import { interval, struct, text } from '../../harness/operations.ts';
import { unknown } from './asker.ts';
import type { Asker, Given, OperationName, Outcome } from './asker.ts';
import * as fit from './fitting.ts';

/** Brings an operation to the error that a row of the specification's tables is about. */
export type Provocation = (asker: Asker, operation: OperationName) => Promise<Outcome>;

/** What a fitting request becomes when one thing is wrong with it. */
const changed =
  (change: (payload: Item[], ids: readonly string[]) => Item[]): Provocation =>
  async (asker, operation) => {
    const ids = await fit.fitting(asker, operation);
    return asker.ask(operation, change(fit.requestOn(asker, operation, ids), ids));
  };

/** The fitting request, on objects that are made so. */
const on =
  (
    make: (asker: Asker, operation: OperationName) => Promise<string | readonly string[]>,
  ): Provocation =>
  async (asker, operation) => {
    const made = await make(asker, operation);
    const ids = typeof made === 'string' ? [made] : made;
    return asker.ask(operation, fit.requestOn(asker, operation, ids));
  };

/** The fitting request with these attributes, or of this one. */
const having =
  (...more: readonly Given[]): Provocation =>
  async (asker, operation) => {
    const ids = await fit.fitting(asker, operation);
    return asker.ask(operation, fit.requestOn(asker, operation, ids, more));
  };

export const onNothing = on(() => Promise.resolve(unknown()));

export const onArchived = on(async (asker, operation) => {
  const ids = await fit.fitting(asker, operation);
  await asker.archive(ids[0] ?? '');
  return ids;
});

export const onWrongType = on((asker, operation) =>
  /^(Check|GetUsageAllocation|ObtainLease)$/.test(operation)
    ? fit.secret(asker)
    : fit.opaque(asker),
);

export const onTemplate = on((asker) => fit.template(asker, unknown()));

const idle: Given = fit.usage(0);
/** The object that an operation works with, which may not be used for anything. */
export const onIdle = on(async (asker, operation) => {
  const since = fit.activeSince(asker);
  if (operation === 'Sign' || operation === 'SignatureVerify') {
    const [first, ...rest] = fit.pairRequest(asker, since);
    const none = rest.map((_, i) =>
      asker.with(i === 0 ? 'PrivateKeyTemplateAttribute' : 'PublicKeyTemplateAttribute', idle),
    );
    const made = await asker.made('CreateKeyPair', first === undefined ? [] : [first, ...none]);
    return operation === 'Sign' ? made.slice(0, 1) : made.slice(1);
  }
  const own = /^MAC/.test(operation) ? [fit.algorithm(9)] : [];
  return fit.key(asker, idle, since, ...own);
});

export const onPreActive = on((asker) => fit.key(asker));
export const onActive = on((asker) => fit.key(asker, fit.activeSince(asker)));
export const onCompromised = on(async (asker, operation) => {
  const ids = await fit.fitting(asker, operation);
  const reason = struct('RevocationReason', enumerated('RevocationReasonCode', 2));
  await asker.made('Revoke', [id(ids[0] ?? ''), reason]);
  return ids;
});
export const onDestroyed = on(async (asker) => {
  const made = await fit.key(asker);
  await asker.made('Destroy', [id(made)]);
  return made;
});

/** A key of which only the attributes were registered (KMIP 1.4 §4.3, since 1.2). */
export const onAbsentKey = on(async (asker, operation) => {
  const isPrivate = /^(Sign|ReKeyKeyPair)$/.test(operation);
  const isPublic = /^(SignatureVerify|Certify)$/.test(operation);
  const name = isPrivate ? 'PrivateKey' : isPublic ? 'PublicKey' : 'SymmetricKey';
  const block = struct(
    'KeyBlock',
    enumerated('KeyFormatType', isPrivate ? 0x04 : isPublic ? 0x05 : 0x01),
    enumerated('CryptographicAlgorithm', isPrivate || isPublic ? 0x1a : 3),
    integer('CryptographicLength', 256),
  );
  const where: Given = [
    'Key Value Location',
    struct(
      'KeyValueLocation',
      text('KeyValueLocationValue', 'a safe'),
      enumerated('KeyValueLocationType', 1),
    ),
  ];
  const type = isPrivate ? 4 : isPublic ? 3 : 2;
  const object = struct(name, block);
  const since = fit.activeSince(asker);
  const own = isPublic ? [] : [where];
  // Older versions meet keys that newer ones registered.
  const newer = asker.in(Math.max(asker.version, 102));
  return fit.registered(newer, type, object, fit.usage(0x0fff), since, ...own);
});

export const templateUnknown: Provocation = (asker, operation) =>
  withTemplate(asker, operation, unknown());

export const templateArchived: Provocation = async (asker, operation) => {
  const name = unknown();
  await asker.archive(await fit.template(asker, name));
  return withTemplate(asker, operation, name);
};

async function withTemplate(
  asker: Asker,
  operation: OperationName,
  name: string,
): Promise<Outcome> {
  const ids = await fit.fitting(asker, operation);
  const named = struct('Name', text('NameValue', name), enumerated('NameType', 1));
  // The last one of a request's templates, or one at its end.
  const marker = fit.called('to be replaced');
  const payload = fit.requestOn(asker, operation, ids, [marker]);
  const replaced = payload.map((item): Item => {
    const held = item.type === 'Structure' && item.value.some((each) => holds(each, marker));
    if (!held) return item;
    return { ...item, value: [named, ...item.value.filter((each) => !holds(each, marker))] };
  });
  return asker.ask(operation, replaced);
}

function holds(item: Item, [name]: Given): boolean {
  return item.type === 'Structure' && item.value.some(({ value }) => value === name);
}

export const nameTaken: Provocation = async (asker, operation) => {
  const name = fit.called(unknown());
  await fit.key(asker, name);
  const ids = await fit.fitting(asker, operation);
  if (operation === 'ModifyAttribute' || operation === 'SetAttribute') {
    await asker.made('AddAttribute', [
      ...ids.map((each) => id(each)),
      asker.anew(fit.called(unknown())),
    ]);
  }
  return asker.ask(operation, fit.requestOn(asker, operation, ids, [name]));
};

export const withoutNamespace: Provocation = async (asker, operation) => {
  const ids = await fit.fitting(asker, operation);
  if (operation === 'ModifyAttribute') {
    const whole = struct(
      'ApplicationSpecificInformation',
      text('ApplicationNamespace', 'somebody’s'),
      text('ApplicationData', 'data'),
    );
    const given = asker.anew(['Application Specific Information', whole]);
    await asker.made('AddAttribute', [...ids.map((each) => id(each)), given]);
  }
  return asker.ask(operation, fit.requestOn(asker, operation, ids, [fit.withoutData]));
};

export const badValue = having(['Cryptographic Parameters', enumerated('State', 1)]);
export const stateGiven = having(['State', enumerated('State', 2)]);
export const tooMany = having(
  ...Array.from({ length: 1025 }, (_, i): Given => ['x-Note', integer('BatchCount', i)]),
);
export const givenTwice = having(
  ['Contact Information', text('ContactInformation', 'one')],
  ['Contact Information', text('ContactInformation', 'two')],
);
export const noSuchAttribute = having(['No Such Attribute', text('Comment', 'x')]);

export const onFull: Provocation = async (asker, operation) => {
  const many = Array.from({ length: 1024 }, (_, i): Given => ['x-Note', integer('BatchCount', i)]);
  const made = await fit.key(asker, ...many);
  const again = asker.anew(['x-Note', integer('BatchCount', 1024)]);
  return asker.ask(operation, [id(made), again]);
};

export const wrongObjectType = changed((payload) =>
  payload.map((item) => (isObjectType(item) ? enumerated('ObjectType', 0x7f) : item)),
);
export const otherObjectType = changed((payload) =>
  payload.map((item) => (isObjectType(item) ? enumerated('ObjectType', 8) : item)),
);

function isObjectType({ tag }: Item): boolean {
  return tag === 0x420057;
}

/** Puts a field in the place of the one of its tag, or at the end. */
export const put = (field: Item): Provocation =>
  changed((payload) => {
    const at = payload.findIndex(({ tag }) => tag === field.tag);
    return at < 0 ? [...payload, field] : payload.with(at, field);
  });

export const without = (tag: number): Provocation =>
  changed((payload) => payload.filter((item) => item.tag !== tag));

export const correlated = put(bytes('CorrelationValue', 'c0ffee'));
export const uncorrelated = put(bytes('AsynchronousCorrelationValue', 'c0ffee'));

/** An offset together with the date that it stands for. */
export const offsetAndDate: Provocation = async (asker, operation) => {
  const ids = await fit.fitting(asker, operation);
  const payload = fit.requestOn(asker, operation, ids, [fit.activeSince(asker)]);
  const [named, ...rest] = payload;
  return asker.ask(operation, named === undefined ? [] : [named, interval('Offset', 60), ...rest]);
};

/** An offset for a key that has other dates and was never to be activated. */
export const offsetAlone: Provocation = async (asker, operation) => {
  const dates: Given[] = [['Deactivation Date', date('DeactivationDate', asker.now + 9000)]];
  const offset = interval('Offset', 60);
  if (operation === 'ReKey') {
    return asker.ask(operation, [id(await fit.key(asker, ...dates)), offset]);
  }
  const [first = ''] = await asker.made('CreateKeyPair', fit.pairRequest(asker, ...dates));
  return asker.ask(operation, [text('PrivateKeyUniqueIdentifier', first), offset]);
};

export const replaced: Provocation = async (asker, operation) => {
  const ids = await fit.fitting(asker, operation);
  await asker.made(operation, fit.requestOn(asker, operation, ids));
  return asker.ask(operation, fit.requestOn(asker, operation, ids));
};

interface Wish {
  readonly attributes?: string;
  readonly encoding?: number;
  readonly parameters?: Item;
  /** By MAC or signature, not by encryption. */
  readonly signed?: boolean;
}

/** A Get that wants a key wrapped by another object. */
export const wrapped =
  (make: (asker: Asker) => Promise<string>, wish: () => Wish = () => ({})): Provocation =>
  async (asker, operation) =>
    wrappedFrom(await fit.key(asker), make, wish)(asker, operation);

export const wrappedFrom =
  (
    made: string,
    make: (asker: Asker) => Promise<string>,
    wish: () => Wish = () => ({}),
  ): Provocation =>
  async (asker, operation) => {
    const { attributes, encoding, parameters, signed } = wish();
    const by = id(await make(asker));
    const inside = parameters === undefined ? [by] : [by, parameters];
    const name = signed === true ? 'MAC_SignatureKeyInformation' : 'EncryptionKeyInformation';
    const specification = struct(
      'KeyWrappingSpecification',
      enumerated('WrappingMethod', signed === true ? 2 : 1),
      struct(name, ...inside),
      ...(attributes === undefined ? [] : [text('AttributeName', attributes)]),
      ...(encoding === undefined ? [] : [enumerated('EncodingOption', encoding)]),
    );
    return asker.ask(operation, [id(made), specification]);
  };

/** A Get or Export of an object that was made with these attributes, and of the request's own. */
export const asked =
  (given: readonly Given[], ...more: readonly Item[]): Provocation =>
  async (asker, operation) =>
    asker.ask(operation, [id(await fit.key(asker, ...given)), ...more]);

export const wrappingKey = (asker: Asker): Promise<string> =>
  fit.key(asker, fit.activeSince(asker), ['Cryptographic Parameters', keyWrap]);
export const keyWrap = struct('CryptographicParameters', enumerated('BlockCipherMode', 0x0d));

export { changed, having, idle, on };

/** A transparent key, whose Key Material is a structure. */
export async function structured(asker: Asker): Promise<string[]> {
  const block = struct(
    'KeyBlock',
    enumerated('KeyFormatType', 7),
    struct('KeyValue', struct('KeyMaterial', bytes('Key', '00'.repeat(16)))),
    enumerated('CryptographicAlgorithm', 3),
    integer('CryptographicLength', 128),
  );
  return [await fit.registered(asker, 2, struct('SymmetricKey', block), fit.usage(4))];
}

/** A key that its client wrapped with one that the server does not have. */
export async function registeredWrapped(asker: Asker): Promise<string> {
  const by = struct('EncryptionKeyInformation', id(unknown()));
  const data = struct('KeyWrappingData', enumerated('WrappingMethod', 1), by);
  return fit.registered(asker, 2, fit.symmetricObject('00'.repeat(24), [data]), fit.usage(4));
}

/** Get Attributes of these names. */
export const named =
  (...names: readonly string[]): Provocation =>
  async (asker, operation) => {
    const made = id(await fit.key(asker));
    return asker.ask(operation, [made, ...names.map((name) => asker.named(name))]);
  };

/** An attribute that objects of this type do not have. */
export const inapplicable: Provocation = async (asker, operation) => {
  const made = id(await fit.opaque(asker));
  const stop: Given = ['Protect Stop Date', date('ProtectStopDate', asker.now + 1000)];
  return asker.ask(operation, [made, asker.anew(stop)]);
};

/** The fitting request with an Attribute Index, which only 1.x has. */
export const indexed = (index: number): Provocation =>
  changed((payload) => {
    const field = integer('AttributeIndex', index);
    const last = payload.at(-1);
    if (last?.type !== 'Structure') return [...payload, field];
    const [name, ...rest] = last.value;
    const inside = name === undefined ? [] : [name, field, ...rest];
    return [...payload.slice(0, -1), { ...last, value: inside }];
  });

/** One of two instances, without saying which. */
export const oneOfTwo: Provocation = async (asker, operation) => {
  const two = ['a', 'b'].map((name): Given => ['x-Note', text('Comment', name)]);
  return asker.ask(operation, [id(await fit.key(asker, ...two)), asker.named('x-Note')]);
};

export const checked =
  (field: Item): Provocation =>
  async (asker, operation) =>
    asker.ask(operation, [id(await fit.key(asker, idle)), field]);

/** A PKCS #12 file as a private key; its password may be linked, but is none. */
export const sealedFile =
  (isLinked: boolean): Provocation =>
  async (asker, operation) => {
    const block = struct(
      'KeyBlock',
      enumerated('KeyFormatType', 0x16),
      struct('KeyValue', bytes('KeyMaterial', '3000')),
    );
    const link: Given = [
      'Link',
      struct(
        'Link',
        enumerated('LinkType', 0x10d),
        text('LinkedObjectIdentifier', await fit.key(asker)),
      ),
    ];
    return asker.ask(operation, [
      enumerated('ObjectType', 4),
      asker.with('TemplateAttribute', fit.usage(1), ...(isLinked ? [link] : [])),
      struct('PrivateKey', block),
    ]);
  };

/** More than a hash gives. */
export const tooLong: Provocation = async (asker, operation) => {
  const ids = await fit.fitting(asker, operation);
  const derivation = struct(
    'DerivationParameters',
    struct('CryptographicParameters', enumerated('HashingAlgorithm', 6)),
  );
  return asker.ask(operation, [
    enumerated('ObjectType', 7),
    ...ids.map((each) => id(each)),
    enumerated('DerivationMethod', 2),
    derivation,
    asker.with('TemplateAttribute', fit.length(4096), fit.usage(4)),
  ]);
};

/** Splitting by a method, or joining parts of one, that is not computed here. */
export const onOtherMethod: Provocation = async (asker, operation) => {
  if (operation === 'CreateSplitKey') return put(enumerated('SplitKeyMethod', 3))(asker, operation);
  const parts = [1, 2].map((part) => {
    const object = fit.symmetricObject('00'.repeat(16));
    const block = object.type === 'Structure' ? object.value : [];
    const head = [
      integer('SplitKeyParts', 2),
      integer('KeyPartIdentifier', part),
      integer('SplitKeyThreshold', 2),
      enumerated('SplitKeyMethod', 2),
    ];
    return fit.registered(asker, 5, struct('SplitKey', ...head, ...block), fit.usage(4));
  });
  return asker.ask(operation, fit.requestOn(asker, operation, await Promise.all(parts)));
};

export const unknownField = changed((payload) => [...payload, text('Comment', 'out of place')]);

/** Modes, hashes and paddings that nobody computes here. */
export const unsupportedParameters = put(
  struct(
    'CryptographicParameters',
    enumerated('BlockCipherMode', 0x10),
    enumerated('PaddingMethod', 0x08),
    enumerated('HashingAlgorithm', 0x0a),
  ),
);

/** A code by a cipher, with a key that is for none. */
export const otherMode = put(
  struct('CryptographicParameters', enumerated('BlockCipherMode', 0x07)),
);
