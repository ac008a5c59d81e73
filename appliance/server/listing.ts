import { ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import { serverLimits } from './limit.ts';

/** The identifiers that the answers of one message list: a batch of Locates lists them all. */
export class Listing {
  #count = 0;

  /** Throws KmipError where there are more than one answer may have. */
  add(count: number): void {
    this.#count += count;
    if (this.#count > serverLimits.identifiers) {
      throw new KmipError(ResultReason.ResponseTooLarge, 'The batch lists too many objects');
    }
  }
}
