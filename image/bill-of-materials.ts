import { readFileSync } from 'node:fs';

/** What npm says of the application (CycloneDX), with the Debian packages of mkosi's manifest. */
interface Bill {
  components: object[];
}
interface Manifest {
  readonly packages: readonly { name: string; version: string; architecture: string }[];
}

const [npm = '', mkosi = ''] = process.argv.slice(2);
const bill = JSON.parse(readFileSync(npm, 'utf8')) as Bill;
const manifest = JSON.parse(readFileSync(mkosi, 'utf8')) as Manifest;
for (const { name, version, architecture } of manifest.packages) {
  const release = encodeURIComponent(version);
  const purl = `pkg:deb/debian/${name}@${release}?arch=${architecture}&distro=trixie`;
  bill.components.push({ type: 'library', 'bom-ref': purl, name, version, purl });
}
process.stdout.write(`${JSON.stringify(bill, undefined, 1)}\n`);
