import { existsSync } from 'node:fs';
import { Stop } from '../exit.ts';

/** Where Debian keeps a PKCS#11 module, on the machines that there are. */
export function findModule(name: string, candidates: readonly string[], pack: string): string {
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Stop('softwareMissing', `${name} is not installed`, `apt-get install ${pack}`);
}

const triplets = ['x86_64-linux-gnu', 'aarch64-linux-gnu'];

export function tpmModule(): string {
  const names = triplets.flatMap((triplet) => [
    `/usr/lib/${triplet}/libtpm2_pkcs11.so.1`,
    `/usr/lib/${triplet}/pkcs11/libtpm2_pkcs11.so`,
  ]);
  return findModule('tpm2-pkcs11', names, 'libtpm2-pkcs11-1');
}

export function softhsmModule(): string {
  const names = ['/usr/lib/softhsm/libsofthsm2.so'];
  for (const triplet of triplets) names.push(`/usr/lib/${triplet}/softhsm/libsofthsm2.so`);
  return findModule('SoftHSM', names, 'softhsm2');
}
