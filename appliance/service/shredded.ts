import type { KeeperClient } from '../keeper-client/client.ts';

const lookMilliseconds = 500;

/**
 * Ends the server once the keeper has no keys any more, for good: what it has in memory goes with
 * it, and the next one serves nothing but its status.
 */
export function watchShredding(keeper: KeeperClient, end: () => void): void {
  const timer = setInterval(() => {
    void keeper.status().then(
      ({ state }) => {
        if (state !== 'shredded') return;
        clearInterval(timer);
        end();
      },
      () => {
        // A keeper that is away is no keeper that was shredded.
      },
    );
  }, lookMilliseconds);
  timer.unref();
}
