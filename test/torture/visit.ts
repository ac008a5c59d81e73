import { find, request, wire, Wires } from '../harness/vcenter.ts';
import type { Result, Wire } from '../harness/vcenter.ts';
import type { Place } from './node.ts';

export interface Credentials {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A node answered, and refused. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly reason: number | undefined;

  constructor(reason: number | undefined) {
    super(`refused: ${String(reason)}`);
    this.reason = reason;
  }
}

export type Say = (...items: readonly Wire[]) => Promise<readonly Result[]>;

/**
 * One connection, as vCenter and hosts make one for each thing they do: Discover Versions without a
 * batch id, then what it is for. Rejects with Refused, or with what ended it before its time.
 */
export async function visit<T>(
  place: Place,
  {
    credentials,
    source,
    milliseconds,
  }: { readonly credentials: Credentials; readonly source: string; readonly milliseconds: number },
  act: (say: Say) => Promise<T>,
): Promise<T> {
  const { host, port } = place;
  const options = { host, port, localAddress: source, ...credentials };
  const wires = new Wires(options);
  const timer = setTimeout(() => wires.socket.destroy(), milliseconds);
  try {
    await wires.exchange(request([wire.discoverVersions()], { ids: false }));
    const done = await act(async (...items) => {
      const { results } = await wires.exchange(request(items));
      for (const { status, reason } of results) if (status !== 0) throw new Refused(reason);
      return results;
    });
    wires.end();
    return done;
  } catch (error) {
    wires.socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

export function identifierIn(result: Result | undefined): string {
  const id = find(result?.payload ?? [], 0x420094)?.body.toString();
  if (id === undefined) throw new Error('no identifier');
  return id;
}

/** The key in hexadecimal. */
export function materialIn(result: Result | undefined): string {
  const path = [0x42008f, 0x420040, 0x420045, 0x420043] as const;
  const key = find(result?.payload ?? [], ...path)?.body.toString('hex');
  if (key === undefined) throw new Error('no key');
  return key;
}

/** Pre-Active 1, Active 2, Deactivated 3. */
export function stateIn(result: Result | undefined): number | undefined {
  return find(result?.payload ?? [], 0x420008, 0x42000b)?.body.readUInt32BE(0);
}
