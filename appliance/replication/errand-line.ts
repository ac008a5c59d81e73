import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { Errand, ErrandError, errandProtocol } from './errand.ts';
import { peerTls } from './peer-tls.ts';
import type { TransportIdentity } from './peer-tls.ts';
import type { Surroundings } from './surroundings.ts';

const handshakeMilliseconds = 10_000;

/** Connects to a node's peer port for an errand. Throws ErrandError `unreachable`. */
export function callNode(
  address: string,
  self: TransportIdentity,
  surroundings: Surroundings,
): Promise<Errand> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(address.slice(colon + 1));
  return new Promise((resolve, reject) => {
    const fail = (cause?: Error): void => {
      const message = `no node answers at ${address}`;
      reject(new ErrandError('unreachable', message, cause === undefined ? {} : { cause }));
    };
    if (colon < 1 || !(port > 0 && port < 65_536)) {
      reject(new ErrandError('unreachable', `${address} is not ADDRESS:PORT`));
      return;
    }
    const socket: TLSSocket = connect({
      ...peerTls(self),
      host,
      port,
      ALPNProtocols: [errandProtocol],
    });
    const cancel = surroundings.after(handshakeMilliseconds, () => {
      socket.destroy(new Error('no answer'));
    });
    socket.once('error', fail);
    socket.once('close', () => {
      cancel();
      fail();
    });
    socket.once('secureConnect', () => {
      cancel();
      if (socket.alpnProtocol !== errandProtocol) {
        socket.destroy();
        return;
      }
      resolve(new Errand(socket));
    });
  });
}
