/**
 * Ends this process when the one that started it dies: its end of the pipe on standard input
 * closes. Under systemd standard input is /dev/null and nothing of this is needed.
 */
export function dieWithParent(): void {
  if (!process.argv.includes('--with-parent')) return;
  process.stdin.on('error', () => {});
  process.stdin.on('end', () => process.exit(0));
  process.stdin.resume();
}

/** Runs `act` at the first SIGTERM or SIGINT, then ends the process, at most five seconds later. */
export function onStop(act: () => Promise<void>): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), 5_000).unref();
    act().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
