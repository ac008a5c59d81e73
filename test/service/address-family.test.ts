import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import test from 'ava';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The sources that a process is made of. */
function sources(path: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(path)) return found;
  found.add(path);
  for (const [, target = ''] of read(path).matchAll(/^(?:import|export)[^']*'(\.[^']*\.ts)'/gm)) {
    sources(normalize(join(dirname(path), target)), found);
  }
  return found;
}

for (const name of ['keeper', 'server', 'token', 'console']) {
  // Without it the call throws: libuv asks the kernel by a socket of that family (getifaddrs(3)).
  test(`${name}: whoever asks for the box’s addresses may open a netlink socket`, (t) => {
    const unit = read(`systemd/twinlock-${name}${name === 'console' ? '@' : ''}.service`);
    const families = /^RestrictAddressFamilies=(.*)$/m.exec(unit)?.[1]?.split(' ') ?? [];
    const all = [...sources(`appliance/service/${name}.ts`)];
    t.true(all.length > 10);
    const asks = all.some((path) => /\bnetworkInterfaces\(/.test(read(path)));
    t.is(families.includes('AF_NETLINK'), asks);
  });
}
