import { CredentialType, Operation } from '../../../appliance/kmip/enumeration.ts';
import type { Item } from '../../../appliance/ttlv/item.ts';
import { bytes, date, enumerated, flag, id, integer } from '../../harness/operations.ts';
import { interval, long, struct, text } from '../../harness/operations.ts';
import type { Asker, Given, Manner } from './asker.ts';
import * as fit from './fitting.ts';
import { on, put } from './provocation.ts';
import type { Provocation } from './provocation.ts';

/** What brings the server to reasons that 2.x tells apart and 1.x does not. */

/** A payload whose field is of another type than it has to be. */
export const unreadable: Provocation = async (asker, operation) => {
  const ids = await fit.fitting(asker, operation);
  const payload = fit.requestOn(asker, operation, ids);
  const named = operation === 'Locate' || operation === 'DiscoverVersions';
  const [first, ...rest] = named ? [] : payload;
  const other = integer(operation === 'Locate' ? 'MaximumItems' : 'ProtocolVersion', 0);
  const field = first ?? other;
  const wrong = { tag: field.tag, type: 'LongInteger', value: 1n } as const;
  return asker.ask(operation, [wrong, ...rest]);
};

const inManner =
  (manner: Manner): Provocation =>
  async (asker, operation) => {
    const ids = await fit.fitting(asker, operation);
    return asker.ask(operation, fit.requestOn(asker, operation, ids), manner);
  };

/** A client that takes no answer at all. */
export const cramped = inManner({ header: [integer('MaximumResponseSize', 16)] });

/** An extension that nobody knows, and that has to be understood. */
export const extended = inManner({
  behind: [
    struct(
      'MessageExtension',
      text('VendorIdentification', 'nobody'),
      flag('CriticalityIndicator', true),
      struct('VendorExtension'),
    ),
  ],
});

/** A ticket that lets its bearer ask for another operation alone (§6.1.12). */
export const beyondTicket: Provocation = async (asker, operation) => {
  const other = operation === 'Query' ? Operation.DiscoverVersions : Operation.Query;
  const right = struct('Right', struct('Operations', enumerated('Operation', other)));
  const ids = await fit.fitting(asker, operation);
  const { payload: ticket } = await asker.ask('DelegatedLogin', [struct('Rights', right)]);
  const credential = struct(
    'Credential',
    enumerated('CredentialType', CredentialType.Ticket),
    struct('CredentialValue', ...ticket),
  );
  const header = [struct('Authentication', credential)];
  const came = await asker.ask(operation, fit.requestOn(asker, operation, ids), { header });
  await asker.made('Logout', ticket);
  return came;
};

export async function destroyed(asker: Asker): Promise<string> {
  const made = await fit.key(asker);
  await asker.made('Destroy', [id(made)]);
  return made;
}

const preActivePair = async (asker: Asker): Promise<string[]> =>
  asker.made('CreateKeyPair', fit.pairRequest(asker));
export const onPreActivePair = on(async (asker, operation) => {
  const [privateKey = '', publicKey = ''] = await preActivePair(asker);
  return operation === 'Sign' ? privateKey : publicKey;
});
export const onPreActiveCode = on((asker) => fit.key(asker, fit.algorithm(9)));

export const onSpent =
  (field: Item): Provocation =>
  async (asker, operation) => {
    const made = await fit.key(asker, fit.limited(1n), fit.activeSince(asker));
    return asker.ask(operation, [id(made), field]);
  };

/** A key that may be used once and was. */
export const onUsedUp: Provocation = async (asker, operation) => {
  const once = [fit.limited(1n), fit.activeSince(asker)];
  const make = async (): Promise<string> => {
    if (operation === 'MAC') return fit.key(asker, fit.algorithm(9), ...once);
    if (operation === 'Encrypt') return fit.key(asker, ...once);
    return (await asker.made('CreateKeyPair', fit.pairRequest(asker, ...once)))[0] ?? '';
  };
  const payload = fit.requestOn(asker, operation, [await make()]);
  await asker.made(operation, payload);
  return asker.ask(operation, payload);
};

/** A period of seconds that would be less than none. */
export const beyond: Provocation = async (asker, operation) => {
  const made = await fit.key(asker, ['Protection Period', interval('ProtectionPeriod', 0)]);
  return asker.ask(operation, [
    id(made),
    asker.named('Protection Period'),
    enumerated('AdjustmentType', 2),
  ]);
};

/** Of two values of an attribute, a third. */
export const otherInstance: Provocation = async (asker, operation) => {
  const group = (name: string): Given => ['Object Group', text('ObjectGroup', name)];
  const made = await fit.key(asker, group('one'), group('two'));
  const third = struct('CurrentAttribute', asker.one(group('three')));
  const rest = operation === 'ModifyAttribute' ? [asker.anew(group('four'))] : [];
  return asker.ask(operation, [id(made), third, ...rest]);
};

/** A date that an active object has passed by; limits of which something was taken. */
export const dated: Provocation = async (asker, operation) => {
  const made = id(await fit.key(asker, fit.activeSince(asker), fit.limited(9n)));
  if (operation === 'DeleteAttribute') {
    await asker.made('GetUsageAllocation', [made, long('UsageLimitsCount', 1n)]);
    return asker.ask(operation, [made, asker.named('Usage Limits')]);
  }
  if (operation === 'AdjustAttribute') {
    const type = enumerated('AdjustmentType', 1);
    return asker.ask(operation, [made, asker.named('Activation Date'), type]);
  }
  if (operation === 'AddAttribute') {
    const revoked = struct('RevocationReason', enumerated('RevocationReasonCode', 1));
    await asker.made('Revoke', [made, revoked]);
    const stop: Given = ['Protect Stop Date', date('ProtectStopDate', asker.now + 1000)];
    return asker.ask(operation, [made, asker.anew(stop)]);
  }
  return asker.ask(operation, [made, asker.anew(fit.activeSince(asker, -500))]);
};

/** A tag that is no attribute’s. */
export const strangeAttribute: Provocation = async (asker, operation) => {
  const strange = text('OperationPolicyName', 'of 1.x');
  const ids = await fit.fitting(asker, operation);
  const payload = fit.requestOn(asker, operation, ids, [['Comment', text('Comment', 'mark')]]);
  return asker.ask(
    operation,
    payload.map((item) => marked(item, strange)),
  );
};

/** Puts an item in the place of the comment "mark". */
function marked(item: Item, instead: Item): Item {
  if (item.type !== 'Structure') return item.value === 'mark' ? instead : item;
  return { ...item, value: item.value.map((each) => marked(each, instead)) };
}

export const strangeReference: Provocation = async (asker, operation) =>
  asker.ask(operation, [id(await fit.key(asker)), enumerated('AttributeReference', 0x420091)]);

/** Storage that this server does not have: off the premises. */
export const storedElsewhere =
  (reason: string): Provocation =>
  async (asker, operation) => {
    const ids = await fit.fitting(asker, operation);
    const payload = fit.requestOn(asker, operation, ids);
    const pair = /KeyPair$/.test(operation);
    const whose = reason.startsWith('Private') ? 'Private' : 'Public';
    const name = pair ? (`${whose}ProtectionStorageMasks` as const) : 'ProtectionStorageMasks';
    return asker.ask(operation, [
      ...payload,
      struct(name, integer('ProtectionStorageMask', 0x200)),
    ]);
  };

const ciphering = (mode: number, ...more: readonly Item[]): Provocation =>
  put(struct('CryptographicParameters', enumerated('BlockCipherMode', mode), ...more));

/** CBC, which needs an initialization vector that nobody gives. */
export const withoutVector = ciphering(1);
/** GCM with a tag of a length that it does not have. */
export const shortTag: Provocation = async (asker, operation) => {
  const ids = await fit.fitting(asker, operation);
  return asker.ask(operation, [
    ...ids.map((each) => id(each)),
    struct('CryptographicParameters', enumerated('BlockCipherMode', 9), integer('TagLength', 3)),
    bytes('Data', '00'.repeat(32)),
    bytes('IVCounterNonce', '00'.repeat(12)),
  ]);
};
/** ECB of what is no whole block. */
export const unpadded = put(bytes('Data', '00'));
/** A code by a key whose algorithm is none for codes, with parameters that name none. */
export const otherCode: Provocation = async (asker, operation) => {
  const made = await fit.key(asker, fit.activeSince(asker));
  return asker.ask(operation, fit.requestOn(asker, operation, [made]));
};
