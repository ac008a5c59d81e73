import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';

/** Says that the records which an older database lacks are lost: keys are made again. */
export async function acceptLoss(
  { admin, ask, print }: Context,
  { yes = false }: { readonly yes?: boolean },
): Promise<void> {
  const sure = 'Keys that are in no backup or journal are lost by this. Type lost to go on: ';
  if (!yes && (await ask(sure)) !== 'lost') {
    const hint = 'at a terminal, or with --yes; first look for the newer database and for backups';
    throw new CommandError('refused', 'nothing was changed', hint);
  }
  const { accepted } = await admin.acceptLoss();
  if (!accepted) {
    const hint = 'see `twinlock status`';
    throw new CommandError('refused', 'this node knows of no record that is missing', hint);
  }
  print({ accepted }, () => 'the node goes on without them, in a new epoch; the audit says so');
}

export const commands: readonly Command[] = [
  {
    name: 'database accept-loss',
    what: 'go on without the records that an older database lacks which was put back',
    options: [{ flags: '--yes', what: 'without asking' }],
    run: (context, _, options: { yes?: boolean }) => acceptLoss(context, options),
  },
];
