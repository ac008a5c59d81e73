import { gathering } from '../cryptography/gathering.ts';
import type { Transformation } from '../cryptography/parameters.ts';
import { cryptographicParameters } from '../kmip/attribute-structure.ts';
import { ResultReason, ValidityIndicator } from '../kmip/enumeration.ts';
import type { ObjectType } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { identifier } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { byteString, enumeration, optional, required } from '../ttlv/structure.ts';
import { requireUse, spendUse, wrongType } from './key-use.ts';
import type { Act, Context, View } from './operation.ts';
import { pass, streamFields, streamObject } from './stream.ts';
import type { Passed, StreamRequest } from './stream.ts';

/** What each operation asks that passes data through a key (KMIP 1.4 §4.29 to §4.34). */
export const keyedFields = {
  uniqueIdentifier: optional(Tag.UniqueIdentifier, identifier),
  cryptographicParameters: optional(Tag.CryptographicParameters, cryptographicParameters),
  data: optional(Tag.Data, byteString),
  ...streamFields,
} as const;

/** The field that each of them answers first. */
export const keyNamed = { uniqueIdentifier: required(Tag.UniqueIdentifier, identifier) } as const;

/** The field by which the next piece of a stream is known. */
export const streamNamed = {
  correlationValue: optional(Tag.CorrelationValue, byteString, { since: 103 }),
} as const;

/** What those answer that compare. */
export const verdictFields = {
  ...keyNamed,
  validityIndicator: optional(Tag.ValidityIndicator, enumeration(ValidityIndicator)),
  ...streamNamed,
} as const;

interface Asked extends StreamRequest {
  readonly uniqueIdentifier?: string;
  readonly data?: Uint8Array;
}

interface Passing<T extends Transformation, Answer> {
  readonly use: Parameters<typeof requireUse>[1];
  /** The objects that it takes, where the transformation does not say so itself. */
  readonly types?: readonly ObjectType[];
  /** Whether it counts against the key's Usage Limits. */
  readonly spends?: boolean;
  /** What is passed, where it is not the request's data. */
  readonly data?: Uint8Array | undefined;
  readonly begin: (object: ManagedObject) => Promise<T>;
  readonly beforeEnd?: (transformation: T) => void;
  readonly answer: (passed: Passed<T>) => Answer;
}

interface Said {
  readonly uniqueIdentifier: string;
  readonly correlationValue?: Buffer;
}

/**
 * The act of such an operation: whether the key may be used so is decided for each piece anew, and
 * before anything is awaited. Throws KmipError as `requireUse`, `spendUse` and `pass` do.
 */
export function passThroughKey<T extends Transformation, Answer>(
  asked: Asked,
  how: Passing<T, Answer>,
  context: Context,
): Act<Said & Answer, View> {
  return (view) => {
    const { types, use } = how;
    const named = asked.uniqueIdentifier ?? streamObject(asked, use, context);
    const object = context.target(view, named);
    requireUse(object, use, context);
    if (types?.includes(object.objectType) === false) throw wrongType();
    context.place(object.uniqueIdentifier);
    return through(object, asked, how, context);
  };
}

async function through<T extends Transformation, Answer>(
  object: ManagedObject,
  asked: Asked,
  { use, spends = false, data = asked.data, begin, beforeEnd, answer }: Passing<T, Answer>,
  context: Context,
): Promise<Said & Answer> {
  const { uniqueIdentifier } = object;
  const bytes = data ?? Buffer.alloc(0);
  if (spends) {
    const begins = asked.correlationValue === undefined;
    await spendUse(object, bytes.length, begins ? 1 : 0, context);
  }
  const passed = await pass(
    asked,
    bytes,
    { operation: use, object: uniqueIdentifier },
    () => begin(object),
    beforeEnd ?? (() => undefined),
    context,
  );
  const { correlationValue } = passed;
  return {
    uniqueIdentifier,
    ...answer(passed),
    ...(correlationValue === undefined ? {} : { correlationValue }),
  };
}

/** Gives one byte at its end: 1 where what was given fits what was fed. */
export interface Verification extends Transformation {
  given(value: Uint8Array): void;
}

/** Compares what a client gave with what passed, by a function of both. */
export function verification(isRight: (whole: Buffer, given: Uint8Array) => boolean): Verification {
  let value: Uint8Array = Buffer.alloc(0);
  return {
    given(bytes) {
      value = Buffer.from(bytes);
    },
    ...gathering((whole) => Buffer.from([isRight(whole, value) ? 1 : 0])),
  };
}

/**
 * What ends a comparison. `given`: what the client says that it has to be. Throws KmipError Invalid
 * Message where it is not there.
 */
export function compared(
  given: Uint8Array | undefined,
  name: string,
): (begun: Verification) => void {
  return (begun) => {
    if (given === undefined) {
      throw new KmipError(ResultReason.InvalidMessage, `${name} is required`);
    }
    begun.given(given);
  };
}

/** The Validity Indicator, once a comparison is at its end. */
export function verdict({ ended, data }: Passed<Verification>): {
  readonly validityIndicator?: ValidityIndicator;
} {
  const { Valid, Invalid } = ValidityIndicator;
  return ended ? { validityIndicator: data[0] === 1 ? Valid : Invalid } : {};
}
