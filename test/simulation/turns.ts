import { promiseHooks } from 'node:v8';

/**
 * Calls at the n-th turn of a promise from now, before what awaited it goes on: a place between two
 * statements that no timer and no event ever comes to. Gives back what calls it off.
 */
export function afterTurns(turns: number, act: () => void): () => void {
  let left = turns;
  const stop = promiseHooks.onBefore(() => {
    if (left-- !== 0) return;
    stop();
    act();
  }) as () => void;
  return stop;
}
