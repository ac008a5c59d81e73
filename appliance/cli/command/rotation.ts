import { randomBytes } from 'node:crypto';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { asked } from '../keeper.ts';
import { ProgressBar } from '../progress.ts';

const pollMilliseconds = 500;

/** Makes a new root key, in the same token or another, and moves the slots to it. */
export async function rotateRoot(
  { keeper, print, json }: Context,
  { token }: { token?: string },
): Promise<void> {
  const label = `twinlock root ${randomBytes(4).toString('hex')}`;
  const named = token === undefined ? {} : { token };
  const bar = new ProgressBar('root key', json);
  await asked(keeper, async (console) => {
    const rotating = { goesOn: true };
    const act = console
      .rotateRootKey({ rootKeyLabel: label, ...named })
      .finally(() => (rotating.goesOn = false));
    const watching = watchRotation(keeper, bar, () => rotating.goesOn);
    await Promise.all([act, watching]);
  }).finally(() => {
    bar.end();
  });
  const where = token === undefined ? '' : ` in ${token}`;
  print({ rootKey: label, ...named }, () => `the root key is now ${label}${where}`);
}

/** On a connection of its own: the other one waits for its answer. */
async function watchRotation(
  keeper: Context['keeper'],
  bar: ProgressBar,
  goesOn: () => boolean,
): Promise<void> {
  const console = keeper();
  try {
    while (goesOn()) {
      // A keeper that is away is the act's to tell.
      const { progress } = (await console.status().catch(() => undefined)) ?? {};
      if (progress !== undefined) bar.show(progress.done, progress.of);
      if (goesOn()) await new Promise((resolve) => setTimeout(resolve, pollMilliseconds / 5));
    }
  } finally {
    console.close();
  }
}

/** Begins a new wrapping key and waits until everything is sealed under it. */
export async function rotateWrappingKey(
  { admin, keeper, print, json }: Context,
  { wait }: { wait: boolean },
): Promise<void> {
  const generation = await asked(keeper, (console) => console.rotateWrappingKey());
  const bar = new ProgressBar('wrapping key', json);
  let of = 0;
  while (wait) {
    const { wrappingKey } = await admin.status();
    const { left, pending } = wrappingKey;
    if (left === undefined && pending === undefined) break;
    of = Math.max(of, left ?? 0);
    const note =
      pending !== undefined
        ? `waiting until ${pending.waitsFor.join(', ')} has opened the new key`
        : left === 0
          ? 'waiting until nothing needs the older key'
          : '';
    bar.show(of - (left ?? 0), of, note);
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
  bar.end();
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
