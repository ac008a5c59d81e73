import type { AddressInfo, ListenOptions, Socket } from 'node:net';
import { connect, createServer } from 'node:tls';
import type { Server, TLSSocket } from 'node:tls';
import { encodeFrame, FrameSplitter } from '../frame/frame.ts';
import type { Member } from '../keystore/membership.ts';
import type { Channel, Transport } from './channel.ts';
import { Errand, errandProtocol } from './errand.ts';
import { messageBytes } from './message.ts';
import { peerTls, pinOf } from './peer-tls.ts';
import type { TransportIdentity } from './peer-tls.ts';
import type { Surroundings } from './surroundings.ts';
import { WaitingRoom } from './waiting-room.ts';

export interface TlsTransportOptions extends TransportIdentity {
  /** Who may come in: asked at each connection. */
  readonly members: () => readonly Member[];
  readonly surroundings: Surroundings;
  /** Absent for a node that only dials. */
  readonly listen?: ListenOptions;
}

const handshakeMilliseconds = 5_000;
/** Far above what members and those who wait may have; a bound all the same. */
const connectionsMost = 256;
/** Messages that wait in memory for a peer that does not read; then it is cut off. */
const unsentBytes = 32 << 20;

/**
 * Mutual TLS 1.3 between members, each known by its pinned transport key; names, chains and dates
 * of certificates say nothing here, so that no clock keeps two nodes apart.
 */
export class TlsTransport implements Transport {
  readonly #options: TlsTransportOptions;
  readonly #server: Server;
  #serveErrand: (errand: Errand) => void = (errand) => {
    errand.destroy();
  };
  readonly #sockets = new Set<TLSSocket>();
  readonly #waiting = new WaitingRoom();
  /** By where they come from: what takes a connection out of the waiting room. */
  readonly #leaving = new Map<string, () => void>();
  #accept: (channel: Channel) => void = (channel) => {
    channel.close();
  };

  constructor(options: TlsTransportOptions) {
    this.#options = options;
    this.#server = createServer({
      ...peerTls(options),
      ALPNProtocols: [errandProtocol],
      handshakeTimeout: handshakeMilliseconds,
    });
    this.#server.maxConnections = connectionsMost;
    this.#server.on('connection', (socket: Socket) => {
      this.#wait(socket);
    });
    this.#server.on('secureConnection', (socket) => {
      const known = (): void => {
        this.#leaving.get(endOf(socket))?.();
      };
      if (socket.alpnProtocol === errandProtocol) {
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
        this.#serveErrand(new Errand(socket, known));
        return;
      }
      const channel = this.#channel(socket, false);
      if (channel === undefined) {
        this.#refuse(socket);
        return;
      }
      known();
      this.#accept(channel);
    });
    this.#server.on('tlsClientError', (error, socket) => {
      options.surroundings.log('debug', 'a peer’s handshake failed', { error: error.message });
      socket.destroy();
    });
  }

  /** Resolves with the address once the port is open. Rejects with what the system says. */
  listen(): Promise<AddressInfo | undefined> {
    const { listen } = this.#options;
    if (listen === undefined) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(listen, () => {
        this.#server.removeListener('error', reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  accept(onChannel: (channel: Channel) => void): void {
    this.#accept = onChannel;
  }

  /** Says who serves errands; whoever begins one is not yet known to be a member. */
  errands(serve: (errand: Errand) => void): void {
    this.#serveErrand = serve;
  }

  /** Tries the member's addresses ("host:port") one after the other. */
  async dial(member: Member): Promise<Channel> {
    let failure: unknown = new Error('the member has no address');
    for (const address of member.addresses) {
      try {
        return await this.#dialAt(address, member);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  /** Until it has shown a member's key, or an errand that is known. */
  #wait(socket: Socket): void {
    const end = endOf(socket);
    const leave = this.#waiting.enter(socket.remoteAddress ?? '', () => {
      socket.destroy();
    });
    this.#leaving.set(end, leave);
    socket.once('close', () => {
      leave();
      if (this.#leaving.get(end) === leave) this.#leaving.delete(end);
    });
  }

  #dialAt(address: string, member: Member): Promise<Channel> {
    const colon = address.lastIndexOf(':');
    const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
    const port = Number(address.slice(colon + 1));
    return new Promise((resolve, reject) => {
      const socket = connect({ ...peerTls(this.#options), host, port });
      const cancel = this.#options.surroundings.after(handshakeMilliseconds, () => {
        socket.destroy(new Error('no answer'));
      });
      socket.once('error', reject);
      socket.once('close', () => {
        cancel();
        reject(new Error('the connection was closed'));
      });
      socket.once('secureConnect', () => {
        cancel();
        const channel = this.#channel(socket, true);
        if (channel?.peer === member.node) {
          resolve(channel);
          return;
        }
        this.#refuse(socket);
        reject(new Error('somebody else answers at the member’s address'));
      });
    });
  }

  #channel(socket: TLSSocket, dialled: boolean): Channel | undefined {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return undefined;
    const pin = pinOf(certificate);
    const member = this.#options.members().find((each) => each.transportKey === pin);
    if (member === undefined || member.removed) return undefined;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return new TlsChannel(socket, member.node, dialled);
  }

  #refuse(socket: TLSSocket): void {
    const { remoteAddress } = socket;
    this.#options.surroundings.log('warn', 'no member’s transport key', { remoteAddress });
    socket.on('error', () => {});
    socket.destroy();
  }
}

/** The other end of a connection. */
function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? 0}`;
}

class TlsChannel implements Channel {
  readonly peer: string;
  readonly dialled: boolean;
  readonly #socket: TLSSocket;
  readonly #splitter = new FrameSplitter(messageBytes);

  constructor(socket: TLSSocket, peer: string, dialled: boolean) {
    this.peer = peer;
    this.dialled = dialled;
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    socket.setNoDelay(true);
    socket.pause();
  }

  send(kind: number, payload: Uint8Array): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed) return Promise.resolve();
    if (socket.writableLength > unsentBytes) {
      socket.destroy();
      return Promise.resolve();
    }
    if (socket.write(encodeFrame(kind, 0, payload))) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        socket.removeListener('drain', done);
        socket.removeListener('close', done);
        resolve();
      };
      socket.once('drain', done);
      socket.once('close', done);
    });
  }

  receive(onMessage: (kind: number, payload: Buffer) => void, onEnd: () => void): void {
    const socket = this.#socket;
    if (socket.destroyed) {
      onEnd();
      return;
    }
    socket.once('close', onEnd);
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const { kind, payload } of this.#splitter.push(chunk)) onMessage(kind, payload);
      } catch {
        socket.destroy();
      }
    });
    socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }
}
