import { X509Certificate } from 'node:crypto';
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';

/** A node elsewhere, and who asks. All PEM. */
export interface RemoteNode {
  readonly host: string;
  readonly port: number;
  readonly certificate: string;
  readonly key: string;
  /** The node's own certificate, which is pinned, or an authority's, which has to vouch for it. */
  readonly trusted: string;
}

/** Port of the admin API where none is said; nodes reach each other at the one before it. */
export const defaultAdminPort = 5698;
const connectMilliseconds = 10_000;

/** Why no request could be sent: told apart, because what a person does about each differs. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: 'not-reachable' | 'not-trusted' | 'bad-identity';

  constructor(code: TransportError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The way to a node's admin API. */
export interface Transport {
  /** As a person knows it. */
  readonly where: string;
  /** Begins a request, whose body the caller sends. Rejects with TransportError. */
  begin(
    options: {
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
    },
    answered: (answer: IncomingMessage) => void,
  ): Promise<ClientRequest>;
}

export function socketTransport(path: string): Transport {
  return {
    where: path,
    begin: (options, answered) =>
      Promise.resolve(request({ ...options, socketPath: path }, answered)),
  };
}

/** One TLS 1.3 connection for each request; nothing is sent before the node has proven itself. */
export function remoteTransport(node: RemoteNode): Transport {
  const where = `${node.host}:${node.port}`;
  return {
    where,
    async begin(options, answered) {
      const socket = await proven(node);
      const headers = { ...options.headers, host: where, connection: 'close' };
      return request({ ...options, headers, createConnection: () => socket }, answered);
    },
  };
}

/**
 * The certificate (PEM) that a node shows, whoever it is: to be compared by a person. Nothing is
 * sent but who asks. Throws TransportError.
 */
export async function shownCertificate(asker: Omit<RemoteNode, 'trusted'>): Promise<string> {
  const socket = await connected(asker);
  const shown = socket.getPeerX509Certificate()?.toString();
  // Destroyed at once, it might not have said who asks.
  await new Promise((resolve) => socket.once('close', resolve).end());
  if (shown !== undefined) return shown;
  throw new TransportError('not-reachable', 'it shows no certificate');
}

async function proven({ trusted, ...asker }: RemoteNode): Promise<TLSSocket> {
  const pinned = pinnedIn(trusted);
  const socket = await connected(asker, trusted);
  const shown = socket.getPeerX509Certificate()?.fingerprint256 ?? '';
  if (pinned.has(shown) || socket.authorized) return socket;
  socket.destroy();
  const message = `its certificate is another one: SHA-256 ${shown}`;
  throw new TransportError('not-trusted', message);
}

/** `trusted`: what may vouch for the node; whether it does is not looked at here. */
function connected(
  { host, port, key, certificate }: Omit<RemoteNode, 'trusted'>,
  trusted?: string,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const fail = (code: TransportError['code'], message: string, cause: unknown): void => {
      reject(new TransportError(code, message, { cause }));
    };
    let socket: TLSSocket;
    try {
      socket = connect({
        ...{ host, port, key, cert: certificate },
        ...(trusted === undefined ? {} : { ca: trusted }),
        ...(isIP(host) === 0 ? { servername: host } : {}),
        minVersion: 'TLSv1.3',
        ALPNProtocols: ['http/1.1'],
        rejectUnauthorized: false,
      });
    } catch (cause) {
      fail('bad-identity', 'the certificate and its key do not fit', cause);
      return;
    }
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), connectMilliseconds);
    socket.on('error', (cause: Error) => {
      clearTimeout(timer);
      fail('not-reachable', cause.message, cause);
    });
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

/** SHA-256 fingerprints of all certificates in a text. Throws TransportError `bad-identity`. */
function pinnedIn(text: string): ReadonlySet<string> {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return new Set(blocks.map((block) => new X509Certificate(block).fingerprint256));
  } catch (cause) {
    throw new TransportError('bad-identity', 'the node’s certificate cannot be read', { cause });
  }
}
