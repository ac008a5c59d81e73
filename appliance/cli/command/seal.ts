import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { asked } from '../keeper.ts';

/** Wipes the wrapping keys from memory: no key is served until somebody unseals. */
export async function seal({ keeper, print }: Context): Promise<void> {
  await asked(keeper, (console) => console.seal());
  print({ sealed: true }, () => 'sealed: no key is served, not even after a boot, until unseal');
}

/** Opens the wrapping keys through the token again. */
export async function unseal({ keeper, print }: Context): Promise<void> {
  await asked(keeper, (console) => console.unseal());
  print({ sealed: false }, () => 'unsealed: keys are served');
}

export const commands: readonly Command[] = [
  { name: 'seal', what: 'wipe the wrapping keys from memory at once', run: (c) => seal(c) },
  { name: 'unseal', what: 'open the wrapping keys again', run: (c) => unseal(c) },
];
