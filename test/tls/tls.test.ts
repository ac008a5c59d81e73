import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import test from 'ava';
import { startAppliance } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';

interface Agreed {
  readonly version: string | null;
  readonly cipher: string;
  readonly group: string | undefined;
}

/** What client and server agree upon; undefined where they agree upon nothing. */
function agreed(
  { host, port, read }: Pick<RunningAppliance, 'host' | 'port'> & { read: (n: string) => string },
  options: ConnectionOptions,
): Promise<Agreed | undefined> {
  const files = { cert: read('cert.pem'), key: read('key.pem') };
  return new Promise((resolve) => {
    const socket = connect({ host, port, rejectUnauthorized: false, ...files, ...options });
    socket.once('error', () => {
      resolve(undefined);
    });
    socket.once('secureConnect', () => {
      const key = socket.getEphemeralKeyInfo() as { readonly name?: string } | null;
      resolve({
        version: socket.getProtocol(),
        cipher: socket.getCipher().name,
        group: key?.name,
      });
      socket.destroy();
    });
  });
}

const old = [
  'ECDHE-RSA-AES128-SHA256',
  'ECDHE-RSA-AES256-SHA384',
  'ECDHE-RSA-AES128-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA256',
  'AES256-SHA',
  'DHE-RSA-AES128-GCM-SHA256',
];

test('TLS 1.2 with ECDHE and GCM, and 1.3, are spoken, and nothing older', async (t) => {
  const appliance = await startAppliance(t);
  const { host, port } = appliance;
  const at = { host, port, read: (name: string) => appliance.read('client', name) };
  const first = await agreed(at, {});
  t.is(first?.version, 'TLSv1.3');
  t.regex(first?.cipher ?? '', /^TLS_AES_256_GCM_SHA384$/);
  t.is(first?.group, 'X25519MLKEM768');
  const classic = await agreed(at, { ecdhCurve: 'P-384:P-256:X25519' });
  t.is(classic?.version, 'TLSv1.3');
  const twelve = await agreed(at, { maxVersion: 'TLSv1.2' });
  t.is(twelve?.version, 'TLSv1.2');
  t.regex(twelve?.cipher ?? '', /^ECDHE-RSA-AES256-GCM-SHA384$/);
  const small = { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' } as const;
  t.is((await agreed(at, small))?.cipher, small.ciphers);
  for (const ciphers of old) {
    const weak = { ciphers: `${ciphers}:@SECLEVEL=0`, maxVersion: 'TLSv1.2' } as const;
    t.is(await agreed(at, weak), undefined, ciphers);
  }
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    const older = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' };
    t.is(await agreed(at, older), undefined, version);
  }
});
