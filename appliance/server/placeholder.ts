import { Operation, ResultReason, UniqueIdentifierEnumeration } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { referenceOf } from '../kmip/identifier.ts';
import type { Answered } from '../operation/operation.ts';

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

/**
 * What the items of one batch have answered so far: the ID Placeholder (KMIP 1.4 §4) and what the
 * Unique Identifier Enumeration of 2.x stands for (KMIP 2.1 §11.62).
 */
export class Placeholder {
  #current: string | undefined;
  readonly #byOperation = new Map<Operation, Answered>();
  #last: readonly string[] = [];

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

  #meant({ form, value }: NonNullable<ReturnType<typeof referenceOf>>): string | undefined {
    if (form === 'number') return this.#last.at(value);
    if (value === U.IDPlaceholder) return this.#current;
    const [operation, field] = spokenOf[value] ?? [];
    if (operation === undefined || field === undefined) return undefined;
    const answer = this.#byOperation.get(operation)?.[field];
    return typeof answer === 'string' ? answer : answer?.[0];
  }
}
