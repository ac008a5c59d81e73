import { randomBytes } from 'node:crypto';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { asked } from '../keeper.ts';

const pollMilliseconds = 500;

/** Makes a new root key, in the same token or another, and moves the slots to it. */
export async function rotateRoot(
  { keeper, print }: Context,
  { token }: { token?: string },
): Promise<void> {
  const label = `twinlock root ${randomBytes(4).toString('hex')}`;
  const named = token === undefined ? {} : { token };
  await asked(keeper, (console) => console.rotateRootKey({ rootKeyLabel: label, ...named }));
  const where = token === undefined ? '' : ` in ${token}`;
  print({ rootKey: label, ...named }, () => `the root key is now ${label}${where}`);
}

/** Begins a new wrapping key and waits until everything is sealed under it. */
export async function rotateWrappingKey(
  { admin, keeper, print }: Context,
  { wait }: { wait: boolean },
): Promise<void> {
  const generation = await asked(keeper, (console) => console.rotateWrappingKey());
  let shown = '';
  while (wait) {
    const { wrappingKey } = await admin.status();
    const { left, pending } = wrappingKey;
    if (left === undefined && pending === undefined) break;
    const text =
      pending === undefined
        ? left === 0
          ? 'waiting until no other node needs the older key'
          : `${left ?? 0} secrets to be sealed anew`
        : `waiting until ${pending.waitsFor.join(', ')} has opened the new key`;
    if (process.stderr.isTTY && text !== shown) process.stderr.write(`${text}\n`);
    shown = text;
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
  print({ generation }, () =>
    wait
      ? `everything is sealed under the new wrapping key ${generation}`
      : `sealing everything anew under ${generation}; see status`,
  );
}

export const rootCommands: readonly Command[] = [
  {
    name: 'root rotate',
    what: 'make a new root key, in the same token or another, and move to it',
    options: [{ flags: '--token <name>', what: 'the token that is to hold it' }],
    run: (context, _, options: { token?: string }) => rotateRoot(context, options),
  },
];

export const wrappingKeyCommands: readonly Command[] = [
  {
    name: 'wrapping-key rotate',
    what: 'begin a new wrapping key and seal everything anew',
    options: [{ flags: '--no-wait', what: 'do not wait until everything is sealed anew' }],
    run: (context, _, options: { wait: boolean }) => rotateWrappingKey(context, options),
  },
];
