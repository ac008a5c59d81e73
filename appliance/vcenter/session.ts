import { CryptoManager } from './crypto-manager.ts';
import { PinnedHttps } from './pinned-https.ts';
import type { Place } from './pinned-https.ts';
import { VimClient } from './vim-client.ts';

export interface Login {
  readonly place: Place;
  /** SHA-256 of vCenter's certificate, which a person has confirmed. */
  readonly thumbprint: string;
  readonly user: string;
  /** Wiped as soon as it is sent. */
  readonly password: Buffer;
}

/** Does something with a vCenter within one session, which is ended. Throws VcenterError. */
export async function withVcenter<T>(
  { place, thumbprint, user, password }: Login,
  act: (manager: CryptoManager, client: VimClient) => Promise<T>,
): Promise<T> {
  const https = new PinnedHttps(place, thumbprint);
  const client = new VimClient(https);
  try {
    await client.login(user, password);
    try {
      return await act(new CryptoManager(client), client);
    } finally {
      // A session that is left behind ends by itself after half an hour.
      await client.logout().catch(() => undefined);
    }
  } finally {
    password.fill(0);
    https.close();
  }
}
