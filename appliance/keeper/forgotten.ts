import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/**
 * Has everything freed that nothing refers to any more. OpenSSL overwrites a KeyObject's copy of a
 * key when it is freed, which would else be whenever the next collection comes.
 */
export function freeForgotten(): void {
  collect ??= collector();
  collect();
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
