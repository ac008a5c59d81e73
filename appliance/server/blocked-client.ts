import type { SqliteKeystore } from '../keystore/store.ts';

/**
 * Ends the live connections of a certificate as soon as a record that shuts it out is here,
 * wherever it was made. Gives back what ends the watching.
 */
export function cutBlockedClients(
  keystore: Pick<SqliteKeystore, 'onRecords' | 'clients' | 'client'>,
  cut: (fingerprint: string) => number,
): () => void {
  return keystore.onRecords((records) => {
    const touched = new Set(
      records.filter(({ kind }) => kind.startsWith('client-')).map(({ object }) => object),
    );
    if (touched.size === 0) return;
    for (const { id, fingerprint } of keystore.clients()) {
      // Another enrolment of the same certificate may still let it in.
      if (touched.has(id) && keystore.client(fingerprint)?.state !== 'allowed') cut(fingerprint);
    }
  });
}
