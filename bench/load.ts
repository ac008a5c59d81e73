import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { processorTime } from './target.ts';
import type { Target } from './target.ts';

/** What one round measured: rates per second, latencies and processor time in microseconds. */
export interface Round {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly processor: number;
}

const microseconds = (since: bigint): number => Number(process.hrtime.bigint() - since) / 1000;

/** A new connection, once its handshake is over. */
export function opened(target: Target): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ rejectUnauthorized: false, ...target.connect });
    socket.setNoDelay(true);
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(socket);
    });
  });
}

/** Sends a message and gives the whole answer: its length stands in its head (TTLV §9.1.1.3). */
export function exchange(socket: TLSSocket, message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (error?: Error): void => {
      socket.removeListener('data', read);
      socket.removeListener('error', done);
      socket.removeListener('close', ended);
      if (error === undefined) resolve(Buffer.concat(chunks));
      else reject(error);
    };
    const ended = (): void => {
      done(new Error('the connection ended'));
    };
    const read = (chunk: Buffer): void => {
      chunks.push(chunk);
      size += chunk.length;
      const first = chunks.length === 1 ? chunk : Buffer.concat(chunks);
      if (first.length >= 8 && size >= first.readUInt32BE(4) + 8) done();
    };
    socket.on('data', read);
    socket.once('error', done);
    socket.once('close', ended);
    socket.write(message);
  });
}

/** One message and its answer, on a connection of its own. */
export async function ask(target: Target, message: Buffer): Promise<Buffer> {
  const socket = await opened(target);
  try {
    return await exchange(socket, message);
  } finally {
    socket.destroy();
  }
}

/** Acts on connections of their own, all at once. */
export async function asking(
  target: Target,
  clients: number,
  act: (ask: (message: Buffer) => Promise<Buffer>) => Promise<void>,
): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: clients }, () => opened(target)));
  try {
    await Promise.all(sockets.map((socket) => act((message) => exchange(socket, message))));
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** Acts again and again on each of so many clients, for so long. */
export async function measured(
  target: Target,
  seconds: number,
  clients: number,
  act: (client: number) => Promise<void>,
): Promise<Round> {
  const latencies: number[] = [];
  const processor = processorTime(target.processes());
  const start = process.hrtime.bigint();
  const client = async (number: number): Promise<void> => {
    do {
      const asked = process.hrtime.bigint();
      await act(number);
      latencies.push(microseconds(asked));
    } while (microseconds(start) < seconds * 1_000_000);
  };
  await Promise.all(Array.from({ length: clients }, (_, i) => client(i)));
  const elapsed = microseconds(start);
  return roundOf(latencies, elapsed, processorTime(target.processes()) - processor);
}

/** Latencies, elapsed time and processor time in microseconds. */
export function roundOf(latencies: number[], elapsed: number, processor: number): Round {
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return {
    rate: (latencies.length * 1_000_000) / elapsed,
    p50: at(0.5),
    p99: at(0.99),
    processor: processor / latencies.length,
  };
}

/** The same message again and again, on connections that are kept. */
export function exchanges(
  target: Target,
  message: Buffer,
  load: { readonly seconds: number; readonly clients: number },
): Promise<Round> {
  return exchangesOf(target, load, {
    message: () => message,
    counts: (answer) => answer.length >= 64,
  });
}

/** One message after another, on connections that are kept; each answer has to count. */
export async function exchangesOf(
  target: Target,
  load: { readonly seconds: number; readonly clients: number },
  of: { readonly message: () => Buffer; readonly counts: (answer: Buffer) => boolean },
): Promise<Round> {
  const sockets = await Promise.all(Array.from({ length: load.clients }, () => opened(target)));
  try {
    return await measured(target, load.seconds, load.clients, async (client) => {
      const socket = sockets[client];
      if (socket === undefined) throw new Error('no such client');
      const answer = await exchange(socket, of.message());
      if (!of.counts(answer)) throw new Error(`${target.name} gave no answer that counts`);
    });
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** Full handshakes, no session resumed: each one ends only when the server has closed its side. */
export function handshakes(
  target: Target,
  load: { readonly seconds: number; readonly clients: number },
): Promise<Round> {
  return measured(target, load.seconds, load.clients, async () => {
    const socket = await opened(target);
    await new Promise<void>((resolve) => {
      socket.once('close', () => {
        resolve();
      });
      socket.resume();
      socket.end();
    });
  });
}
