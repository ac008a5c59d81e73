import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import {
  Authority,
  makeAuthorityCertificate,
  makePrivateKey,
} from '../../appliance/pki/authority.ts';
import { find, request, wire, Wires } from './vcenter.ts';

interface Provider {
  servers: { name: string; address: string; port: number }[];
  trusted: string[];
  key: string | undefined;
  certificate: string | undefined;
  isDefault: boolean;
}

interface Call {
  readonly method: string;
  readonly body: string;
}

const header =
  '<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope ' +
  'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ' +
  'xmlns:xsd="http://www.w3.org/2001/XMLSchema" ' +
  'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n<soapenv:Body>\n';
const footer = '\n</soapenv:Body>\n</soapenv:Envelope>';

/** The order in which the interface's definition has each method's elements. */
const id = '<id>[^<]+</id>';
const server = '<name>[^<]+</name><address>[^<]+</address><port>\\d+</port>';
const spec = `<server><clusterId>${id}</clusterId><info>${server}</info></server>`;
const given = `<cluster>${id}</cluster><certificate>[^<]+</certificate>`;
const flag = '<useAsDefault>(true|false)</useAsDefault>';
const ofProvider = `(<providerId>${id}</providerId>)?`;
const set = '<propSet><type>\\w+</type><pathSet>\\w+</pathSet></propSet>';
const objects = '(<objectSet><obj type="\\w+">[^<]+</obj></objectSet>)+';
const elements: Readonly<Record<string, string>> = {
  RetrieveServiceContent: '',
  Login: '<userName>[^<]*</userName><password>[^<]*</password>',
  Logout: '',
  ListKmipServers: '',
  RegisterKmipServer: spec,
  UpdateKmipServer: spec,
  RetrieveKmipServerCert: `<keyProvider>${id}</keyProvider><server>${server}</server>`,
  UploadKmipServerCert: given,
  GenerateClientCsr: `<cluster>${id}</cluster>`,
  UpdateKmsSignedCsrClientCert: given,
  MarkDefault: `<clusterId>${id}</clusterId>`,
  RetrieveKmipServersStatus_Task:
    `<clusters><clusterId>${id}</clusterId>(<servers>${server}</servers>)*` + `${flag}</clusters>`,
  QueryCryptoKeyStatus:
    `(<keyIds><keyId>[^<]+</keyId>${ofProvider}</keyIds>)*` +
    '<checkKeyBitMap>\\d+</checkKeyBitMap>',
  RetrievePropertiesEx: `<specSet>${set}${objects}</specSet><options></options>`,
};

function inOrder({ method, body }: Call): boolean {
  const wanted = elements[method];
  return wanted !== undefined && new RegExp(`^${wanted}$`).test(body);
}

const unescaped = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

function first(body: string, name: string): string {
  return unescaped(new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1] ?? '');
}

/**
 * The methods of vSphere's API that a key server needs, over real HTTPS. What vCenter does behind
 * them is done: it fetches the servers' certificates, makes keys and requests, and its status is
 * green where it spoke KMIP with a server whose certificate it trusts.
 */
export class VimServer {
  readonly user = 'administrator@vsphere.local';
  readonly password = 'correct <horse> & "battery" staple';
  readonly thumbprint: string;
  readonly providers = new Map<string, Provider>();
  /** What the administrator of this vCenter uses keys for. */
  readonly uses = new Map<
    string,
    { machines: readonly string[]; hosts: readonly string[] } | 'unknown'
  >();
  readonly calls: string[] = [];
  /** Whether the login may manage key servers. */
  permitted = true;
  #session: string | undefined;
  #task: string | undefined;
  #looks = 0;
  readonly #folder: string;
  readonly #server: Server;

  private constructor(folder: string, server: Server, thumbprint: string) {
    this.#folder = folder;
    this.#server = server;
    this.thumbprint = thumbprint;
    server.on('request', (asked, answer) => void this.#answer(asked, answer));
  }

  static async open(folder: string): Promise<VimServer> {
    const surroundings = { now: () => Math.floor(Date.now() / 1000), random: randomBytes };
    const key = createPrivateKey({ key: makePrivateKey('p256'), format: 'der', type: 'pkcs8' });
    const root = makeAuthorityCertificate(key, 'VMCA', surroundings);
    const cert = new Authority(root, key, surroundings).serverCertificate(createPublicKey(key), [
      'vcenter.example',
    ]);
    const server = createServer({ key: key.export({ format: 'pem', type: 'pkcs8' }), cert });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new VimServer(folder, server, new X509Certificate(cert).fingerprint256);
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of asked) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const [, method = '', inner = ''] =
      /<soapenv:Body><(\w+) xmlns="urn:vim25">(.*)<\/\1><\/soapenv:Body>/s.exec(text) ?? [];
    const body = inner.replace(/^<_this type="\w+">[^<]+<\/_this>/, '');
    this.calls.push(method);
    answer.setHeader('Content-Type', 'text/xml; charset=utf-8');
    try {
      if (asked.url !== '/sdk' || !asked.headers['content-type']?.startsWith('text/xml')) {
        throw new Fault('InvalidRequest', 'not the service');
      }
      if (body === inner || !inOrder({ method, body })) {
        throw new Fault('InvalidRequest', `elements out of order in ${method}`);
      }
      const free = ['RetrieveServiceContent', 'Login'].includes(method);
      if (!free && asked.headers.cookie !== this.#session) {
        throw new Fault('NotAuthenticated', 'The session is not authenticated.');
      }
      const values = await this.#call({ method, body }, answer);
      const response = `${method}Response`;
      const content = `<${response} xmlns="urn:vim25">${values.join('')}</${response}>`;
      answer.end(`${header}${content}${footer}`);
    } catch (error) {
      const { kind, message } =
        error instanceof Fault ? error : new Fault('RuntimeFault', String(error));
      answer.statusCode = 500;
      answer.end(
        `${header}<soapenv:Fault><faultcode>ServerFaultCode</faultcode>` +
          `<faultstring>${message}</faultstring><detail>` +
          `<${kind}Fault xmlns="urn:vim25" xsi:type="${kind}"></${kind}Fault></detail>` +
          `</soapenv:Fault>${footer}`,
      );
    }
  }

  async #call({ method, body }: Call, answer: ServerResponse): Promise<readonly string[]> {
    const id = first(body, 'id');
    switch (method) {
      case 'RetrieveServiceContent':
        return [serviceContent];
      case 'Login':
        if (first(body, 'userName') !== this.user || first(body, 'password') !== this.password) {
          throw new Fault('InvalidLogin', 'Cannot complete login.');
        }
        this.#session = `vmware_soap_session="${randomBytes(20).toString('hex')}"`;
        answer.setHeader('Set-Cookie', `${this.#session}; Path=/; HttpOnly; Secure`);
        return ['<returnval><key>52</key></returnval>'];
      case 'Logout':
        this.#session = undefined;
        return [];
      case 'ListKmipServers':
        return [...this.providers].map(listed);
      case 'QueryCryptoKeyStatus':
        return [...body.matchAll(/<keyId>([^<]+)<\/keyId>/g)].map(([, key = '']) => this.#use(key));
      case 'RetrievePropertiesEx':
        return [await this.#properties(body)];
    }
    if (!this.permitted) throw new Fault('NoPermission', 'Permission to perform this was denied.');
    if (method === 'RegisterKmipServer' || method === 'UpdateKmipServer') {
      return this.#register(id, body);
    }
    if (method === 'RetrieveKmipServerCert') {
      const pem = await certificateAt(first(body, 'address'), Number(first(body, 'port')));
      return [`<returnval><certificate>${pem}</certificate></returnval>`];
    }
    const provider = this.providers.get(first(body, 'id'));
    if (provider === undefined) throw new Fault('InvalidArgument', 'no such key provider');
    return this.#change(method, provider, body);
  }

  #change(method: string, provider: Provider, body: string): readonly string[] {
    switch (method) {
      case 'UploadKmipServerCert':
        provider.trusted.push(new X509Certificate(first(body, 'certificate')).fingerprint256);
        return [];
      case 'GenerateClientCsr': {
        const key = join(this.#folder, 'vcenter.key');
        const subject = '/CN=kmipClient20260101120000';
        const options = ['-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-subj', subject];
        const csr = execFileSync('openssl', ['req', ...options], { stdio: 'pipe' }).toString();
        provider.key = readFileSync(key, 'utf8');
        return [`<returnval>${csr}</returnval>`];
      }
      case 'UpdateKmsSignedCsrClientCert': {
        const pem = first(body, 'certificate');
        if (!new X509Certificate(pem).checkPrivateKey(createPrivateKey(provider.key ?? ''))) {
          throw new Fault('InvalidArgument', 'the certificate is for another key');
        }
        provider.certificate = pem;
        return [];
      }
      case 'MarkDefault':
        for (const each of this.providers.values()) each.isDefault = each === provider;
        return [];
      case 'RetrieveKmipServersStatus_Task':
        this.#task = first(body, 'id');
        this.#looks = 0;
        return ['<returnval type="Task">task-1</returnval>'];
      default:
        throw new Fault('InvalidRequest', method);
    }
  }

  #register(id: string, body: string): readonly string[] {
    const none = { servers: [], trusted: [], key: undefined, certificate: undefined };
    const provider = this.providers.get(id) ?? { ...none, isDefault: false };
    const [name, address, port] = ['name', 'address', 'port'].map((part) => first(body, part));
    provider.servers = provider.servers.filter((server) => server.name !== name);
    provider.servers.push({ name: name ?? '', address: address ?? '', port: Number(port) });
    this.providers.set(id, provider);
    return [];
  }

  #use(key: string): string {
    const use = this.uses.get(key) ?? { machines: [], hosts: [] };
    if (use === 'unknown') return '';
    const { machines, hosts } = use;
    return [
      `<returnval><keyId><keyId>${key}</keyId></keyId><keyAvailable>true</keyAvailable>`,
      ...machines.map((id) => `<encryptedVMs type="VirtualMachine">${id}</encryptedVMs>`),
      ...hosts.map((id) => `<affectedHosts type="HostSystem">${id}</affectedHosts>`),
      '</returnval>',
    ].join('');
  }

  async #properties(body: string): Promise<string> {
    const objects = [...body.matchAll(/<obj type="(\w+)">([^<]+)<\/obj>/g)];
    const values = await Promise.all(
      objects.map(async ([, type = '', id = '']) => {
        const value =
          type === 'Task'
            ? `<val xsi:type="TaskInfo">${await this.#taskInfo()}</val>`
            : `<val xsi:type="xsd:string">name of ${id}</val>`;
        const set = `<propSet><name>any</name>${value}</propSet>`;
        return `<objects><obj type="${type}">${id}</obj>${set}</objects>`;
      }),
    );
    return `<returnval>${values.join('')}</returnval>`;
  }

  async #taskInfo(): Promise<string> {
    if (this.#looks++ === 0) return '<state>running</state>';
    const provider = this.providers.get(this.#task ?? '');
    const servers = await Promise.all(
      (provider?.servers ?? []).map(async (server) => {
        const status = await speaks(server, provider).then(
          (is) => (is ? 'green' : 'red'),
          () => 'red',
        );
        const connection = status === 'green' ? 'connected' : 'no trust';
        return (
          `<servers><name>${server.name}</name><status>${status}</status>` +
          `<connectionStatus>${connection}</connectionStatus></servers>`
        );
      }),
    );
    return (
      '<state>success</state><result xsi:type="ArrayOfCryptoManagerKmipClusterStatus">' +
      '<CryptoManagerKmipClusterStatus xsi:type="CryptoManagerKmipClusterStatus">' +
      `<clusterId><id>${this.#task}</id></clusterId>${servers.join('')}` +
      '</CryptoManagerKmipClusterStatus></result>'
    );
  }
}

class Fault extends Error {
  readonly kind: string;

  constructor(kind: string, message: string) {
    super(message);
    this.kind = kind;
  }
}

const serviceContent = `<returnval>
<rootFolder type="Folder">group-d1</rootFolder>
<propertyCollector type="PropertyCollector">propertyCollector</propertyCollector>
<about><name>VMware vCenter Server</name><fullName>VMware vCenter Server 8.0.2</fullName>
<version>8.0.2</version><apiType>VirtualCenter</apiType><apiVersion>8.0.2.0</apiVersion></about>
<sessionManager type="SessionManager">SessionManager</sessionManager>
<cryptoManager type="CryptoManagerKmip">CryptoManager</cryptoManager>
</returnval>`;

function listed([id, { servers, isDefault }]: readonly [string, Provider]): string {
  const entries = servers.map(
    ({ name, address, port }) =>
      `<servers><name>${name}</name><address>${address}</address><port>${port}</port></servers>`,
  );
  return (
    `<returnval><clusterId><id>${id}</id></clusterId>${entries.join('')}` +
    `<useAsDefault>${isDefault}</useAsDefault></returnval>`
  );
}

function certificateAt(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, rejectUnauthorized: false });
    socket.once('secureConnect', () => {
      resolve(socket.getPeerX509Certificate()?.toString() ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

/** Whether a server that is trusted answers vCenter's first question. */
async function speaks(
  { address, port }: Provider['servers'][number],
  provider: Provider | undefined,
): Promise<boolean> {
  const shown = new X509Certificate(await certificateAt(address, port)).fingerprint256;
  if (provider?.trusted.includes(shown) !== true) return false;
  const { key, certificate } = provider;
  if (key === undefined || certificate === undefined) return false;
  const files = { cert: Buffer.from(certificate), key: Buffer.from(key) };
  const wires = new Wires({ host: address, port, ...files });
  const { results } = await wires.exchange(request([wire.discoverVersions()], { ids: false }));
  wires.end();
  return results[0]?.status === 0 && find(results[0].payload, 0x420069) !== undefined;
}
