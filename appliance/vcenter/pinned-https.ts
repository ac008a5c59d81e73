import { Agent, request } from 'node:https';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { VcenterError } from './error.ts';

const connectMilliseconds = 15_000;
const answerMilliseconds = 120_000;
const answerBytes = 32 << 20;

export interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * The SHA-256 thumbprint of whoever listens there, as vCenter shows it: upper-case pairs with
 * colons. Nothing is sent but the handshake. Throws VcenterError `vcenter-unreachable`.
 */
export function thumbprintOf(place: Place): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...place, rejectUnauthorized: false, timeout: connectMilliseconds });
    socket.once('secureConnect', () => {
      resolve(presented(socket));
      socket.destroy();
    });
    socket.once('timeout', () => socket.destroy(new Error('no answer')));
    socket.once('error', (error: Error) => {
      reject(unreachable(place, error));
    });
  });
}

/**
 * HTTPS to a server that is known by its certificate alone: vCenter's is seldom signed by anybody
 * that a machine trusts. Not a byte is sent to a server with another one.
 */
export class PinnedHttps {
  readonly #place: Place;
  readonly #agent: Agent;
  #cookie: string | undefined;

  /** `thumbprint`: SHA-256, upper-case pairs with colons. */
  constructor(place: Place, thumbprint: string) {
    this.#place = place;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 });
    this.#agent.createConnection = (_options, done) => {
      const socket = connect({
        ...{ host: place.host, port: place.port, rejectUnauthorized: false },
        timeout: connectMilliseconds,
      });
      socket.once('error', (error: Error) => {
        done?.(error, socket);
      });
      socket.once('timeout', () => socket.destroy(new Error('no answer')));
      socket.once('secureConnect', () => {
        socket.setTimeout(answerMilliseconds);
        const shown = presented(socket);
        if (shown === thumbprint) done?.(null, socket);
        else socket.destroy(otherCertificate(shown));
      });
      return undefined;
    };
  }

  /** Posts a body and gives status and text. Throws VcenterError. */
  post(
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Buffer,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { host, port } = this.#place;
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          ...{ host, port, path, method: 'POST', agent: this.#agent },
          headers: {
            ...headers,
            'Content-Length': body.length,
            ...(this.#cookie === undefined ? {} : { Cookie: this.#cookie }),
          },
        },
        (answer) => {
          const [cookie] = answer.headers['set-cookie'] ?? [];
          if (cookie !== undefined) this.#cookie = cookie.split(';', 1)[0];
          const chunks: Buffer[] = [];
          let length = 0;
          answer.on('data', (chunk: Buffer) => {
            chunks.push(chunk);
            length += chunk.length;
            if (length > answerBytes) answer.destroy(new Error('the answer is too long'));
          });
          answer.once('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve({ status: answer.statusCode ?? 0, text });
          });
          answer.once('error', (error) => {
            reject(unreachable(this.#place, error));
          });
        },
      );
      asked.once('error', (error) => {
        reject(error instanceof VcenterError ? error : unreachable(this.#place, error));
      });
      asked.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function presented(socket: TLSSocket): string {
  return socket.getPeerX509Certificate()?.fingerprint256 ?? '';
}

function unreachable({ host, port }: Place, cause: Error): VcenterError {
  const hint = 'check the address; from this network its port 443 has to be open';
  const message = `vCenter cannot be reached at ${host}:${port} (${cause.message})`;
  return new VcenterError('vcenter-unreachable', message, hint, { cause });
}

function otherCertificate(shown: string): VcenterError {
  return new VcenterError(
    'vcenter-thumbprint',
    `another certificate is shown there now: ${shown}`,
    'nothing was sent; somebody may be in between, or the certificate was renewed just now',
  );
}
