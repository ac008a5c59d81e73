import type { Keeper, KeeperStatus } from '../../appliance/keeper-client/keeper.ts';
import type { KeyKeeper } from '../../appliance/keeper/keeper.ts';

/** A real keeper in the test's own process, asked without a socket. */
export class DirectKeeper implements Keeper {
  readonly keeper: KeyKeeper;

  constructor(keeper: KeyKeeper) {
    this.keeper = keeper;
  }

  seal(context: Uint8Array, plaintext: Uint8Array): Promise<Buffer> {
    return attempt(() => this.keeper.seal(context, plaintext));
  }

  open(context: Uint8Array, sealed: Uint8Array): Promise<Buffer> {
    return attempt(() => this.keeper.open(context, Buffer.from(sealed)));
  }

  derive(purpose: string): Promise<Buffer> {
    return attempt(() => this.keeper.derive(purpose));
  }

  slots(): Promise<string> {
    return attempt(() => this.keeper.slots());
  }

  status(): Promise<KeeperStatus> {
    return attempt(() => this.keeper.status());
  }

  close(): void {
    // There is nothing to close.
  }
}

function attempt<T>(act: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(act());
  });
}
