import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';

/**
 * The ceiling: Node's TLS and nothing else. Answers each message with as many zero bytes as the
 * appliance's answer to it has; the sizes come as JSON, request length → answer length.
 */
const [certificate = '', key = '', sizes = '{}'] = process.argv.slice(2);
const answers = new Map(
  Object.entries(JSON.parse(sizes) as Record<string, number>).map(([request, length]) => {
    const answer = Buffer.alloc(length);
    if (length >= 8) answer.writeUInt32BE(length - 8, 4);
    return [Number(request), answer];
  }),
);

const server = createServer({
  cert: readFileSync(certificate),
  key: readFileSync(key),
  minVersion: 'TLSv1.2',
  ecdhCurve: 'X25519MLKEM768:X25519:P-256:P-384',
  requestCert: true,
  rejectUnauthorized: false,
});
server.on('secureConnection', (socket) => {
  socket.setNoDelay(true);
  let pending: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= 8) {
      const length = pending.readUInt32BE(4) + 8;
      if (pending.length < length) return;
      pending = pending.subarray(length);
      socket.write(answers.get(length) ?? Buffer.alloc(8));
    }
  });
});
server.on('tlsClientError', () => {});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
