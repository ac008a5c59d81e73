import {
  DataEnumeration,
  Operation,
  ResultReason,
  UniqueIdentifierEnumeration,
} from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { referenceOf } from '../kmip/identifier.ts';
import { Tag } from '../kmip/tag.ts';
import type { Answered } from '../operation/operation.ts';
import type { Item } from '../ttlv/item.ts';

const U = UniqueIdentifierEnumeration;

/** What each value of the enumeration speaks of: an operation, and which of its identifiers. */
const spokenOf: Readonly<Record<number, readonly [Operation, keyof Answered]>> = {
  [U.Certify]: [Operation.Certify, 'uniqueIdentifier'],
  [U.Create]: [Operation.Create, 'uniqueIdentifier'],
  [U.CreateKeyPair]: [Operation.CreateKeyPair, 'privateKeyUniqueIdentifier'],
  [U.CreateKeyPairPrivateKey]: [Operation.CreateKeyPair, 'privateKeyUniqueIdentifier'],
  [U.CreateKeyPairPublicKey]: [Operation.CreateKeyPair, 'publicKeyUniqueIdentifier'],
  [U.CreateSplitKey]: [Operation.CreateSplitKey, 'uniqueIdentifiers'],
  [U.DeriveKey]: [Operation.DeriveKey, 'uniqueIdentifier'],
  [U.Import]: [Operation.Import, 'uniqueIdentifier'],
  [U.JoinSplitKey]: [Operation.JoinSplitKey, 'uniqueIdentifier'],
  [U.Locate]: [Operation.Locate, 'uniqueIdentifiers'],
  [U.Register]: [Operation.Register, 'uniqueIdentifier'],
  [U.ReKey]: [Operation.ReKey, 'uniqueIdentifier'],
  [U.ReCertify]: [Operation.ReCertify, 'uniqueIdentifier'],
  [U.ReKeyKeyPair]: [Operation.ReKeyKeyPair, 'privateKeyUniqueIdentifier'],
  [U.ReKeyKeyPairPrivateKey]: [Operation.ReKeyKeyPair, 'privateKeyUniqueIdentifier'],
  [U.ReKeyKeyPairPublicKey]: [Operation.ReKeyKeyPair, 'publicKeyUniqueIdentifier'],
};

const D = DataEnumeration;

/** The operation whose data each value of the enumeration speaks of (KMIP 2.1 §11.13). */
const dataOf: Readonly<Record<number, Operation>> = {
  [D.Decrypt]: Operation.Decrypt,
  [D.Encrypt]: Operation.Encrypt,
  [D.Hash]: Operation.Hash,
  [D.MACMACData]: Operation.MAC,
  [D.RNGRetrieve]: Operation.RNGRetrieve,
  [D.SignSignatureData]: Operation.Sign,
  [D.SignatureVerify]: Operation.SignatureVerify,
};

/**
 * What the items of one batch have answered so far: the ID Placeholder (KMIP 1.4 §4) and what the
 * Unique Identifier Enumeration of 2.x stands for (KMIP 2.1 §11.62).
 */
export class Placeholder {
  #current: string | undefined;
  readonly #byOperation = new Map<Operation, Answered>();
  #last: readonly string[] = [];
  readonly #data: { readonly operation: Operation; readonly bytes: Uint8Array }[] = [];

  place(identifier: string): void {
    this.#current = identifier;
  }

  empty(): void {
    this.#current = undefined;
  }

  /** Takes down what an operation answered. */
  answered(operation: Operation, answer: Answered): void {
    this.#byOperation.set(operation, answer);
    this.#last = Object.values(answer).flat();
  }

  /**
   * The identifier that a request's field means: its text, or what stands in its place. Throws
   * KmipError Object Not Found where there is nothing to stand there.
   */
  resolve(text: string | undefined): string {
    const reference = text === undefined ? undefined : referenceOf(text);
    const found = reference === undefined ? (text ?? this.#current) : this.#meant(reference);
    if (found !== undefined) return found;
    throw new KmipError(ResultReason.ObjectNotFound, 'No object is named');
  }

  /** Takes down the data that an operation gave, whether or not its client is to see it. */
  produced(operation: Operation, bytes: Uint8Array): void {
    this.#data.push({ operation, bytes });
  }

  /**
   * A payload with the data in it that stands for what earlier items gave (KMIP 2.1 §7.9): that of
   * an operation, or the nth of all, from behind where it is negative. Throws KmipError Invalid
   * Field where there is none.
   */
  withData(payload: Item): Item {
    if (payload.type !== 'Structure') return payload;
    const value = payload.value.map((item): Item => {
      if (item.tag !== Tag.Data) return item;
      if (item.type !== 'Enumeration' && item.type !== 'Integer') return item;
      const found =
        item.type === 'Integer'
          ? this.#data.at(item.value)
          : this.#data.findLast(({ operation }) => operation === dataOf[item.value]);
      if (found !== undefined) return { tag: Tag.Data, type: 'ByteString', value: found.bytes };
      throw new KmipError(ResultReason.InvalidField, 'No earlier item gave this data');
    });
    return { ...payload, value };
  }

  #meant({ form, value }: NonNullable<ReturnType<typeof referenceOf>>): string | undefined {
    if (form === 'number') return this.#last.at(value);
    if (value === U.IDPlaceholder) return this.#current;
    const [operation, field] = spokenOf[value] ?? [];
    if (operation === undefined || field === undefined) return undefined;
    const answer = this.#byOperation.get(operation)?.[field];
    return typeof answer === 'string' ? answer : answer?.[0];
  }
}
