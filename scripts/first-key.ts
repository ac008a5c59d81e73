import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { find, request, wire, Wires } from '../test/harness/vcenter.ts';
import type { Answer, Wire } from '../test/harness/vcenter.ts';

/** `./scripts/first-key CLIENT-DIR ADDRESS:PORT...`: what a client does first, and no more. */
const [folder, ...endpoints] = process.argv.slice(2);
const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

async function asked(endpoint: string, item: Wire): Promise<Answer['results'][number]['payload']> {
  const colon = endpoint.lastIndexOf(':');
  const [host, port] = [endpoint.slice(0, colon), Number(endpoint.slice(colon + 1))];
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) =>
    readFileSync(join(folder ?? '', name)),
  );
  const wires = new Wires({ host, port, ca, cert, key, rejectUnauthorized: true });
  let why = '';
  wires.socket.on('error', (error: Error) => (why = `: ${error.message}`));
  try {
    const [result] = (await wires.exchange(request([item]))).results;
    if (result?.status === 0) return result.payload;
    throw new Error(`it refused, Result Reason ${String(result?.reason)}`);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : 'unknown';
    throw new Error(`${endpoint}: ${text}${why}`, { cause });
  } finally {
    wires.socket.destroy();
  }
}

async function main(): Promise<void> {
  const [first] = endpoints;
  if (folder === undefined || first === undefined) {
    throw new Error('name the client’s folder, and where one node or more serve');
  }
  const id = find(await asked(first, wire.create()), 0x420094)?.body.toString() ?? '';
  say(`made     AES-256 key ${id} at ${first}`);
  let one: Buffer | undefined;
  for (const endpoint of endpoints) {
    const payload = await asked(endpoint, wire.get(id));
    const key = find(payload, 0x42008f, 0x420040, 0x420045, 0x420043)?.body;
    if (key?.length !== 32) throw new Error(`${endpoint}: no key of 32 bytes in its answer`);
    if (one !== undefined && !key.equals(one)) throw new Error(`${endpoint}: it is another key`);
    say(`fetched  ${one === undefined ? '32 bytes' : 'the same 32 bytes'} at ${endpoint}`);
    one = key;
  }
}

main().catch((error: unknown) => {
  const text = error instanceof Error ? error.message : 'unknown';
  const hint = './scripts/first-key .state/a/client 127.0.0.1:5696, once that node says READY';
  process.stderr.write(`error: ${text}\nhint: ${hint}\n`);
  process.exitCode = 1;
});
