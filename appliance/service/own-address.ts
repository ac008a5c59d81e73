import { networkInterfaces } from 'node:os';

/** This box's addresses that others can reach, IPv4 before IPv6. */
export function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80'))
    .toSorted((a, b) => a.family.localeCompare(b.family))
    .map(({ address }) => address);
}

export function isEverywhere(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** "HOST:PORT" as a person types it; IPv6 in brackets. */
export function endpointText(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Where others reach what listens here: an address that means all of them is no such place. */
export function endpointOf(
  { address, port }: { readonly address: string; readonly port: number },
  own: readonly string[] = ownAddresses(),
): string {
  return endpointText(isEverywhere(address) ? (own[0] ?? address) : address, port);
}
