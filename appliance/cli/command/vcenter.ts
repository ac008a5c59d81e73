import { isIPv6 } from 'node:net';
import type { KmipServer, KeyUse } from '../../vcenter/crypto-manager.ts';
import { thumbprintOf } from '../../vcenter/pinned-https.ts';
import type { Place } from '../../vcenter/pinned-https.ts';
import { registerProvider } from '../../vcenter/registration.ts';
import { withVcenter } from '../../vcenter/session.ts';
import type { Login } from '../../vcenter/session.ts';
import type { VimClient } from '../../vcenter/vim-client.ts';
import { govcLines, powerCliLines } from '../../vcenter/by-hand.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../context.ts';
import type { Context } from '../context.ts';
import { table } from '../format.ts';

const kmipPort = 5696;
const httpsPort = 443;
const pauseMilliseconds = 1_000;
const looks = 60;
/** What one query of vCenter asks for. */
const keysOfQuery = 100;
/** More names than that are counted: an error is one line. */
const namesShown = 5;

export interface LoginOptions {
  readonly user?: string;
  readonly passwordFile?: string;
  readonly thumbprint?: string;
}

interface RegisterOptions extends LoginOptions {
  readonly provider: string;
  readonly group: string;
  readonly node?: readonly string[];
  readonly default: boolean;
}

/** Makes this node and its peer one key provider of a vCenter. */
export async function register(
  context: Context,
  vcenter: string,
  options: RegisterOptions,
): Promise<void> {
  const { admin, print } = context;
  const { provider, group } = options;
  const nodes = await nodesOf(context, options.node ?? []);
  const { authority } = await admin.certificates();
  const login = await loginOf(context, vcenter, options);
  const registered = await withVcenter(login, (manager) =>
    registerProvider(manager, {
      ...{ provider, nodes, authority, looks, makeDefault: options.default },
      say: (step) => process.stderr.write(`${step}\n`),
      pause: () => pause(pauseMilliseconds),
      sign: async (request) => {
        const name = await freeName(context, `vcenter ${login.place.host}`);
        return (await admin.signRequest({ request, group, name })).certificate;
      },
    }),
  );
  print(registered, () =>
    [
      `${provider} is a key provider of ${login.place.host}, and every node is green`,
      ...registered.servers.map(({ name, status }) => `  ${name}  ${status}`),
      registered.isDefault
        ? 'it is the default: what is encrypted from now on has its key here'
        : 'it is not the default: choose it in the storage policy, or make it the default there',
    ].join('\n'),
  );
}

/** Has a vCenter trust what this node shows, or will show after a renewal. */
export async function trust(
  context: Context,
  vcenter: string,
  { provider, ...options }: LoginOptions & { readonly provider: string },
): Promise<void> {
  const { server, next } = await context.admin.certificates();
  const login = await loginOf(context, vcenter, options);
  await withVcenter(login, (manager) => manager.trustServer(provider, next ?? server));
  context.print({ provider, trusted: next === undefined ? 'server' : 'next' }, () =>
    next === undefined
      ? `${login.place.host} trusts the certificate that this node shows`
      : `${login.place.host} trusts the next certificate too: twinlock certificate activate`,
  );
}

/** What vCenter says of the use of keys. */
export async function keyUse(
  context: Context,
  vcenter: string,
  keys: readonly string[],
  options: LoginOptions,
): Promise<void> {
  const asked = keys.length > 0 ? keys : await allKeys(context);
  const login = await loginOf(context, vcenter, options);
  const found = await withVcenter(login, async (manager, client) => {
    const uses: KeyUse[] = [];
    for (let i = 0; i < asked.length; i += keysOfQuery) {
      uses.push(...(await manager.keyUses(asked.slice(i, i + keysOfQuery))));
    }
    return named(client, uses);
  });
  context.print({ keys: found }, () =>
    table(
      ['KEY', 'USED BY', 'MACHINES', 'HOSTS'],
      found.map(({ key, used, machines, hosts }) => [
        key,
        used ? 'somebody' : 'nobody that vCenter knows',
        machines.join(', '),
        hosts.join(', '),
      ]),
    ),
  );
}

/** Throws CommandError `refused` where a vCenter says that a key is used, or nothing of it. */
export async function refuseUsed(
  context: Context,
  vcenter: string,
  key: string,
  options: LoginOptions,
): Promise<void> {
  const login = await loginOf(context, vcenter, options);
  const { host } = login.place;
  const found = await withVcenter(login, async (manager, client) =>
    named(client, await manager.keyUses([key])),
  );
  const use = found.find((each) => each.key === key);
  if (use === undefined) {
    const hint = 'look there yourself, or leave --vcenter out';
    throw new CommandError('refused', `${host} says nothing of this key`, hint);
  }
  if (!use.used) return;
  const whom = [...use.machines, ...use.hosts];
  const shown = whom.length === 0 ? 'somebody' : whom.slice(0, namesShown).join(', ');
  const more = whom.length > namesShown ? ` and ${whom.length - namesShown} more` : '';
  const hint = 're-key or decrypt those first; nothing was destroyed';
  throw new CommandError('refused', `${host} says that ${shown}${more} use this key`, hint);
}

/** The same by hand, for those who keep scripts. */
export async function lines(
  context: Context,
  vcenter: string,
  { provider, node = [] }: { provider: string; node?: readonly string[] },
): Promise<void> {
  const { host } = placeOf(vcenter, httpsPort);
  const nodes = await nodesOf(context, node);
  const byHand = { vcenter: host, provider, nodes };
  const found = { govc: govcLines(byHand), powercli: powerCliLines(byHand) };
  context.print(found, () =>
    ['# govc', ...found.govc, '', '# PowerCLI', ...found.powercli].join('\n'),
  );
}

interface NamedUse {
  readonly key: string;
  readonly used: boolean;
  readonly machines: readonly string[];
  readonly hosts: readonly string[];
}

/** The uses with the names that people know. */
async function named(client: VimClient, uses: readonly KeyUse[]): Promise<NamedUse[]> {
  const names = new Map<string, string>();
  const objects = uses.flatMap(({ machines, hosts }) => [...machines, ...hosts]);
  for (const type of new Set(objects.map((object) => object.type))) {
    const ofType = objects.filter((object) => object.type === type);
    for (let i = 0; i < ofType.length; i += keysOfQuery) {
      const found = await client.properties(ofType.slice(i, i + keysOfQuery), 'name');
      for (const { id, value } of found) names.set(id, value.text);
    }
  }
  const nameOf = ({ id }: { readonly id: string }): string => names.get(id) ?? id;
  return uses.map(({ key, machines, hosts, tags }) => ({
    key,
    used: machines.length + hosts.length + tags.length > 0,
    machines: machines.map(nameOf),
    hosts: hosts.map(nameOf),
  }));
}

async function allKeys({ admin }: Context): Promise<string[]> {
  const found: string[] = [];
  for (let next: string | undefined = ''; next !== undefined;) {
    const page = await admin.keys(next === '' ? {} : { after: next });
    found.push(...page.keys.map(({ id }) => id));
    next = page.next;
  }
  return found;
}

/** Who logs in where; the password is asked for after the certificate is confirmed. */
async function loginOf(
  context: Context,
  vcenter: string,
  { user: given, passwordFile, thumbprint }: LoginOptions,
): Promise<Login> {
  const place = placeOf(vcenter, httpsPort);
  const shown = await thumbprintOf(place);
  await confirm(context, place, shown, thumbprint);
  const user = given ?? (await context.ask('vCenter user: '));
  if (user === undefined || user === '') {
    throw new CommandError('bad-request', 'there is no user', 'name one with --user');
  }
  const password = await context.secret(`Password of ${user}: `, passwordFile);
  if (password === undefined || password.length === 0) {
    const hint = 'type it at a terminal, or name a file with --password-file';
    throw new CommandError('bad-request', 'there is no password', hint);
  }
  return { place, thumbprint: shown, user, password };
}

/** Before anything is sent a person says that this is the vCenter. */
async function confirm(
  { ask }: Context,
  { host }: Place,
  shown: string,
  expected: string | undefined,
): Promise<void> {
  if (expected !== undefined) {
    const same = plain(expected) === plain(shown);
    if (same) return;
    const message = `${host} shows another certificate: ${shown}`;
    throw new CommandError('refused', message, 'nothing was sent; compare the thumbprint');
  }
  process.stderr.write(`${host} shows a certificate with the SHA-256 thumbprint\n  ${shown}\n`);
  const said = await ask('Is it the vCenter’s? yes/no: ');
  if (said === 'yes') return;
  const hint =
    said === undefined
      ? 'answer at a terminal, or say what it has to be with --thumbprint'
      : 'compare it with the one in the vCenter’s own management interface';
  throw new CommandError('refused', 'the certificate was not confirmed', hint);
}

const plain = (thumbprint: string): string =>
  thumbprint.replaceAll(/[^0-9A-Fa-f]/g, '').toUpperCase();

/** The nodes as vCenter is to reach them: named, or this one where there is no other. */
async function nodesOf({ admin }: Context, given: readonly string[]): Promise<KmipServer[]> {
  const { peers } = await admin.peers();
  const { endpoint } = await admin.status();
  const wanted = 1 + peers.length;
  const named = given.length === 0 && wanted === 1 && endpoint !== undefined ? [endpoint] : given;
  const places = named.map((text) => placeOf(text, kmipPort));
  const everywhere = places.some(({ host }) => host === '0.0.0.0' || host === '::');
  if (places.length !== wanted || everywhere) {
    const hint = 'name the address of each node as vCenter reaches it: --node HOST HOST';
    const message = everywhere
      ? 'this node listens on every address'
      : `there are ${wanted} nodes, and ${places.length} were named`;
    throw new CommandError('bad-request', message, hint);
  }
  return places.map(({ host, port }) => ({ name: host, address: host, port }));
}

async function freeName({ admin }: Context, wanted: string): Promise<string> {
  const { clients } = await admin.clients();
  const taken = new Set(clients.map(({ name }) => name));
  for (let i = 1; ; i++) {
    const name = i === 1 ? wanted : `${wanted} ${i}`;
    if (!taken.has(name)) return name;
  }
}

function placeOf(text: string, port: number): Place {
  if (isIPv6(text)) return { host: text, port };
  const [, host = '', given] = /^\[?([^\]]*?)\]?(?::(\d{1,5}))?$/.exec(text) ?? [];
  const number = given === undefined ? port : Number(given);
  if (host !== '' && number > 0 && number < 65_536) return { host, port: number };
  throw new CommandError('bad-request', `${text} is no address`, 'HOST, or HOST:PORT');
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export const loginOptions = [
  { flags: '--user <user>', what: 'who logs in to vCenter, such as administrator@vsphere.local' },
  { flags: '--password-file <file>', what: 'its first line is the password; else it is asked for' },
  {
    flags: '--thumbprint <sha256>',
    what: 'what vCenter’s certificate has to be; else it is asked',
  },
];
const providerOption = {
  flags: '--provider <name>',
  what: 'what the key provider is called in vCenter',
  default: 'twinlock',
};
const nodeOption = { flags: '--node <address...>', what: 'each node as vCenter reaches it' };

export const commands: readonly Command[] = [
  {
    name: 'vcenter register',
    parameters: ['<vcenter>'],
    what: 'make the nodes a key provider of a vCenter: trust both ways, and wait for green',
    options: [
      providerOption,
      nodeOption,
      { flags: '--group <group>', what: 'key group', default: 'default' },
      { flags: '--no-default', what: 'do not make it the default provider' },
      ...loginOptions,
    ],
    run: (context, [vcenter = ''], options) =>
      register(context, vcenter, options as unknown as RegisterOptions),
  },
  {
    name: 'vcenter trust',
    parameters: ['<vcenter>'],
    what: 'have a vCenter trust this node’s certificate, the next one after a renewal',
    options: [providerOption, ...loginOptions],
    run: (context, [vcenter = ''], options) =>
      trust(context, vcenter, options as unknown as Parameters<typeof trust>[2]),
  },
  {
    name: 'vcenter key-use',
    parameters: ['<vcenter>', '[key...]'],
    what: 'ask a vCenter which machines and hosts use keys; without a key: all',
    options: loginOptions,
    run: (context, [vcenter = '', ...keys], options) => keyUse(context, vcenter, keys, options),
  },
  {
    name: 'vcenter lines',
    parameters: ['<vcenter>'],
    what: 'print lines for govc and PowerCLI that do the same by hand',
    options: [providerOption, nodeOption],
    run: (context, [vcenter = ''], options) =>
      lines(context, vcenter, options as unknown as Parameters<typeof lines>[2]),
  },
];
