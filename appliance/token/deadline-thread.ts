import { workerData } from 'node:worker_threads';

const until = workerData as BigInt64Array<SharedArrayBuffer>;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** Milliseconds of the monotonic clock, which all threads of a process share. */
function now(): bigint {
  return process.hrtime.bigint() / 1_000_000n;
}

for (;;) {
  Atomics.wait(pause, 0, 0, 100);
  const deadline = Atomics.load(until, 0);
  if (deadline !== 0n && now() > deadline) process.kill(process.pid, 'SIGKILL');
}
