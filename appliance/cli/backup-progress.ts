import type { Context } from './context.ts';
import { ProgressBar } from './progress.ts';

const pollMilliseconds = 100;

/** Draws what the node does with a backup, and how far it is, until the act has ended. */
export async function watched<T>({ admin, json }: Context, act: Promise<T>): Promise<T> {
  const course = { over: false };
  const ended = act
    .catch(() => {})
    .then(() => {
      course.over = true;
    });
  let bar: ProgressBar | undefined;
  let what = '';
  while (!course.over) {
    // A node that does not answer meanwhile is the act's to tell.
    const work = (await admin.status().catch(() => undefined))?.backup?.work;
    if (work !== undefined && work.what !== what) {
      what = work.what;
      bar = new ProgressBar(`${what} the backup`, json);
    }
    if (work !== undefined) bar?.show(work.done, work.of);
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, pollMilliseconds))]);
  }
  bar?.end();
  return act;
}
