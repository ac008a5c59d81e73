import type { Parameter, Reference, VimClient } from './vim-client.ts';
import { childrenOf, descendant, textAt } from './xml-element.ts';
import type { XmlElement } from './xml-element.ts';

/** A key server as vCenter lists it. */
export interface KmipServer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

export interface Provider {
  readonly id: string;
  readonly servers: readonly KmipServer[];
  readonly isDefault: boolean;
}

export interface ServerStatus {
  readonly name: string;
  /** vSphere's ManagedEntityStatus: gray, green, yellow, red. */
  readonly status: string;
  readonly connection: string;
}

/** What vCenter says of one key. */
export interface KeyUse {
  readonly key: string;
  readonly provider: string;
  readonly available: boolean | undefined;
  readonly machines: readonly Reference[];
  readonly hosts: readonly Reference[];
  readonly tags: readonly string[];
}

/** Available, used by machines, used by hosts, used by third parties. */
const allChecks = 0b1111;

/** The methods of vSphere's CryptoManagerKmip that a key server needs. All throw VcenterError. */
export class CryptoManager {
  readonly #client: VimClient;
  readonly #self: Reference;

  constructor(client: VimClient) {
    this.#client = client;
    this.#self = client.manager('cryptoManager');
  }

  async providers(): Promise<Provider[]> {
    const found = await this.#client.callAll(this.#self, 'ListKmipServers', []);
    return found.map((each) => ({
      id: textAt(each, 'clusterId', 'id'),
      servers: childrenOf(each, 'servers').map((server) => ({
        name: textAt(server, 'name'),
        address: textAt(server, 'address'),
        port: Number(textAt(server, 'port')),
      })),
      isDefault: textAt(each, 'useAsDefault') === 'true',
    }));
  }

  /** Adds a server to a provider, which is made with its first. */
  register(provider: string, server: KmipServer): Promise<unknown> {
    return this.#call('RegisterKmipServer', [['server', specOf(provider, server)]]);
  }

  /** Gives a server that is there already this address. */
  update(provider: string, server: KmipServer): Promise<unknown> {
    return this.#call('UpdateKmipServer', [['server', specOf(provider, server)]]);
  }

  /** The certificate that vCenter is shown at the server's address, PEM. */
  async serverCertificate(provider: string, server: KmipServer): Promise<string> {
    const found = await this.#call('RetrieveKmipServerCert', [
      ['keyProvider', idOf(provider)],
      ['server', infoOf(server)],
    ]);
    return textAt(found, 'certificate');
  }

  trustServer(provider: string, certificate: string): Promise<unknown> {
    return this.#call('UploadKmipServerCert', [
      ['cluster', idOf(provider)],
      ['certificate', certificate],
    ]);
  }

  /** A new private key in vCenter, and the request for its certificate, PEM. */
  async clientRequest(provider: string): Promise<string> {
    const found = await this.#call('GenerateClientCsr', [['cluster', idOf(provider)]]);
    return found?.text ?? '';
  }

  giveClientCertificate(provider: string, certificate: string): Promise<unknown> {
    return this.#call('UpdateKmsSignedCsrClientCert', [
      ['cluster', idOf(provider)],
      ['certificate', certificate],
    ]);
  }

  makeDefault(provider: string): Promise<unknown> {
    return this.#call('MarkDefault', [['clusterId', idOf(provider)]]);
  }

  /** Has vCenter connect to the provider's servers. `pause`: between two looks at its task. */
  async status(
    { id, servers, isDefault }: Provider,
    pause: () => Promise<void>,
  ): Promise<ServerStatus[]> {
    const task = await this.#call('RetrieveKmipServersStatus_Task', [
      [
        'clusters',
        [
          ['clusterId', idOf(id)],
          ...servers.map((server): Parameter => ['servers', infoOf(server)]),
          ['useAsDefault', isDefault],
        ],
      ],
    ]);
    const result = await this.#client.result({ type: 'Task', id: task?.text ?? '' }, pause);
    const cluster = childrenOf(result, 'CryptoManagerKmipClusterStatus').find(
      (each) => textAt(each, 'clusterId', 'id') === id,
    );
    return childrenOf(cluster, 'servers').map((server) => ({
      name: textAt(server, 'name'),
      status: textAt(server, 'status'),
      connection: textAt(server, 'connectionStatus'),
    }));
  }

  /** Whether and by whom keys are used, as far as vCenter knows. */
  async keyUses(keys: readonly string[], provider?: string): Promise<KeyUse[]> {
    const asked = keys.map((key): Parameter => {
      const of: readonly Parameter[] =
        provider === undefined ? [] : [['providerId', idOf(provider)]];
      return ['keyIds', [['keyId', key], ...of]];
    });
    const found = await this.#client.callAll(this.#self, 'QueryCryptoKeyStatus', [
      ...asked,
      ['checkKeyBitMap', allChecks],
    ]);
    return found.map((each) => ({
      key: textAt(each, 'keyId', 'keyId'),
      provider: textAt(each, 'keyId', 'providerId', 'id'),
      available:
        descendant(each, 'keyAvailable') === undefined
          ? undefined
          : textAt(each, 'keyAvailable') === 'true',
      machines: childrenOf(each, 'encryptedVMs').map(referenceOf),
      hosts: childrenOf(each, 'affectedHosts').map(referenceOf),
      tags: childrenOf(each, 'referencedByTags').map(({ text }) => text),
    }));
  }

  #call(method: string, parameters: readonly Parameter[]): Promise<XmlElement | undefined> {
    return this.#client.call(this.#self, method, parameters);
  }
}

function idOf(provider: string): readonly Parameter[] {
  return [['id', provider]];
}

function infoOf({ name, address, port }: KmipServer): readonly Parameter[] {
  return [
    ['name', name],
    ['address', address],
    ['port', port],
  ];
}

function specOf(provider: string, server: KmipServer): readonly Parameter[] {
  return [
    ['clusterId', idOf(provider)],
    ['info', infoOf(server)],
  ];
}

function referenceOf({ type = '', text }: XmlElement): Reference {
  return { type, id: text };
}
