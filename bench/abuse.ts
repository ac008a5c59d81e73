import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { request, wire } from '../test/harness/vcenter.ts';
import { exchange, exchanges, opened } from './load.ts';
import type { Round } from './load.ts';
import type { Target } from './target.ts';

/** A client with a certificate that nobody let in: the same server, another identity. */
export function strangerOf(target: Target, folder: string): Target {
  const [key, cert] = [join(folder, 'stranger-key.pem'), join(folder, 'stranger.pem')];
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-days', '30', '-subj', '/CN=stranger', '-keyout', key, '-out', cert],
  ]);
  const identity = { cert: readFileSync(cert), key: readFileSync(key) };
  return { ...target, connect: { ...target.connect, ...identity } };
}

/** So many connections that say nothing; ended by whoever asked for them. */
export async function idle(target: Target, count: number): Promise<TLSSocket[]> {
  const sockets: TLSSocket[] = [];
  for (let i = 0; i < count; i += 20) {
    const few = Math.min(20, count - i);
    sockets.push(...(await Promise.all(Array.from({ length: few }, () => opened(target)))));
  }
  for (const socket of sockets) socket.on('error', () => socket.destroy());
  return sockets;
}

/** Runs an abuse again and again until the round of the known client is over. */
async function beside(known: () => Promise<Round>, abuse: () => Promise<void>): Promise<Round> {
  const over = new AbortController();
  const abusing = Array.from({ length: 4 }, async () => {
    while (!over.signal.aborted) await abuse().catch(() => undefined);
  });
  try {
    return await known();
  } finally {
    over.abort();
    await Promise.all(abusing);
  }
}

type Measure = readonly [name: string, measure: () => Promise<Round>];

/** What one known client's Gets take, alone and beside each abuse. None of them is refused. */
export function abuses(
  known: Target,
  get: Buffer,
  { seconds, folder, silent }: { seconds: number; folder: string; silent: number },
): Measure[] {
  const stranger = strangerOf(known, folder);
  const round = (): Promise<Round> => exchanges(known, get, { seconds, clients: 1 });
  const creating = request(Array.from({ length: 16 }, () => wire.create()));
  const listing = request(Array.from({ length: 16 }, () => wireLocate));
  const once = (message: Buffer) => async (): Promise<void> => {
    const socket = await opened(known);
    try {
      for (let i = 0; i < 8; i++) await exchange(socket, message);
    } finally {
      socket.destroy();
    }
  };
  const refusedHandshake = async (): Promise<void> => {
    const socket = await opened(stranger);
    await new Promise((resolve) => socket.once('close', resolve).resume());
  };
  return [
    ['alone', round],
    [
      `beside ${silent} idle connections`,
      async () => {
        const sockets = await idle(known, silent);
        const came = await round();
        for (const socket of sockets) socket.destroy();
        return came;
      },
    ],
    ['beside handshakes of strangers', () => beside(round, refusedHandshake)],
    ['beside a client that creates', () => beside(round, once(creating))],
    ['beside Locate of everything', () => beside(round, once(listing))],
  ];
}

const wireLocate = { operation: 0x08, payload: Buffer.alloc(0) };
