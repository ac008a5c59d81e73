import { VcenterError } from './error.ts';
import type { PinnedHttps } from './pinned-https.ts';
import { childrenOf, descendant, escaped, parseXml, textAt } from './xml-element.ts';
import type { XmlElement } from './xml-element.ts';

/** A managed object of vSphere: its type and its identifier. */
export interface Reference {
  readonly type: string;
  readonly id: string;
}

/** A parameter of a call, in the order of the interface's definition. Bytes are wiped once sent. */
export type Value = string | number | boolean | Buffer | Reference | readonly Parameter[];
export type Parameter = readonly [name: string, value: Value];

const envelope = [
  '<?xml version="1.0" encoding="UTF-8"?>\n' +
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ' +
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>',
  '</soapenv:Body></soapenv:Envelope>',
] as const;
const serviceInstance: Reference = { type: 'ServiceInstance', id: 'ServiceInstance' };
/** The first version that has CryptoManagerKmip. */
const firstVersion = '6.5';

/** The vSphere Web Services API (SOAP, namespace vim25) over one session. */
export class VimClient {
  readonly #https: PinnedHttps;
  #version = firstVersion;
  #content: XmlElement | undefined;

  constructor(https: PinnedHttps) {
    this.#https = https;
  }

  /**
   * Begins a session; the password's bytes are wiped. Gives what the vCenter calls itself. Throws
   * VcenterError `vcenter-login` and what a call throws.
   */
  async login(user: string, password: Buffer): Promise<string> {
    const content = await this.call(serviceInstance, 'RetrieveServiceContent', []);
    this.#content = content;
    this.#version = textAt(content, 'about', 'apiVersion') || firstVersion;
    await this.call(this.manager('sessionManager'), 'Login', [
      ['userName', user],
      ['password', password],
    ]);
    return textAt(content, 'about', 'fullName');
  }

  logout(): Promise<XmlElement | undefined> {
    return this.call(this.manager('sessionManager'), 'Logout', []);
  }

  /** One of the service's managers. Throws VcenterError where this vSphere has none of the kind. */
  manager(name: 'sessionManager' | 'cryptoManager' | 'propertyCollector'): Reference {
    const found = this.#content === undefined ? undefined : descendant(this.#content, name);
    if (found?.type !== undefined) return { type: found.type, id: found.text };
    const hint = 'a vCenter of version 6.5 or later is needed; a host alone has no key providers';
    throw new VcenterError('vcenter-fault', `it has no ${name}`, hint);
  }

  /** Calls a method and gives its first return value. Throws VcenterError. */
  async call(
    of: Reference,
    method: string,
    parameters: readonly Parameter[],
  ): Promise<XmlElement | undefined> {
    const [value] = await this.callAll(of, method, parameters);
    return value;
  }

  /** Calls a method and gives all its return values. Throws VcenterError. */
  async callAll(
    of: Reference,
    method: string,
    parameters: readonly Parameter[],
  ): Promise<readonly XmlElement[]> {
    const parts = [
      `${envelope[0]}<${method} xmlns="urn:vim25">`,
      ...written([['_this', of], ...parameters]),
      `</${method}>${envelope[1]}`,
    ].map((part) => (typeof part === 'string' ? Buffer.from(part) : part));
    const body = Buffer.concat(parts);
    for (const part of parts) part.fill(0);
    const headers = {
      'Content-Type': 'text/xml; charset=utf-8',
      SOAPAction: `urn:vim25/${this.#version}`,
    };
    const answered = this.#https.post('/sdk', headers, body);
    try {
      const { text } = await answered;
      const content = descendant(parseXml(text), 'Body');
      const fault = content === undefined ? undefined : descendant(content, 'Fault');
      if (fault !== undefined) throw refusal(method, fault);
      return childrenOf(content?.children[0], 'returnval');
    } finally {
      body.fill(0);
    }
  }

  /**
   * Waits for a task and gives its result; `pause`: waits between two looks. Throws VcenterError
   * `vcenter-fault` for a task that failed.
   */
  async result(task: Reference, pause: () => Promise<void>): Promise<XmlElement | undefined> {
    for (;;) {
      const [info] = await this.properties([task], 'info');
      const state = textAt(info?.value, 'state');
      if (state === 'success') return info && descendant(info.value, 'result');
      if (state === 'error') {
        const why = textAt(info?.value, 'error', 'localizedMessage');
        throw new VcenterError('vcenter-fault', `vCenter says: ${why}`, 'see its task list');
      }
      await pause();
    }
  }

  /** One property of several objects of one type. */
  async properties(
    objects: readonly Reference[],
    name: string,
  ): Promise<{ readonly id: string; readonly value: XmlElement }[]> {
    const [first] = objects;
    if (first === undefined) return [];
    const found = await this.call(this.manager('propertyCollector'), 'RetrievePropertiesEx', [
      [
        'specSet',
        [
          [
            'propSet',
            [
              ['type', first.type],
              ['pathSet', name],
            ],
          ],
          ...objects.map((object): Parameter => ['objectSet', [['obj', object]]]),
        ],
      ],
      ['options', []],
    ]);
    return childrenOf(found, 'objects').flatMap((object) => {
      const value = descendant(object, 'propSet', 'val');
      return value === undefined ? [] : [{ id: textAt(object, 'obj'), value }];
    });
  }
}

function written(parameters: readonly Parameter[]): (string | Buffer)[] {
  return parameters.flatMap(([name, value]): (string | Buffer)[] => {
    if (typeof value === 'object' && 'id' in value) {
      return [`<${name} type="${escaped(value.type)}">${escaped(value.id)}</${name}>`];
    }
    if (Buffer.isBuffer(value)) return [`<${name}>`, escapedBytes(value), `</${name}>`];
    if (typeof value === 'object') return [`<${name}>`, ...written(value), `</${name}>`];
    return [`<${name}>${escaped(String(value))}</${name}>`];
  });
}

/** A secret as it stands between tags; what came is wiped. */
function escapedBytes(secret: Buffer): Buffer {
  const special: Readonly<Record<number, string>> = { 0x26: '&amp;', 0x3c: '&lt;', 0x3e: '&gt;' };
  const bytes = [...secret].flatMap((byte) => {
    const entity = special[byte];
    return entity === undefined ? [byte] : [...Buffer.from(entity)];
  });
  secret.fill(0);
  const result = Buffer.from(bytes);
  bytes.fill(0);
  return result;
}

function refusal(method: string, fault: XmlElement): VcenterError {
  const detail = descendant(fault, 'detail')?.children[0];
  const kind = detail?.type ?? detail?.name.replace(/Fault$/, '') ?? '';
  const said = textAt(fault, 'faultstring') || kind;
  if (kind === 'InvalidLogin') {
    const hint = 'type them again; nothing was changed';
    return new VcenterError('vcenter-login', 'vCenter refused user or password', hint);
  }
  if (kind === 'NoPermission') {
    const needed = 'Cryptographer.ManageKeyServers on the vCenter';
    return new VcenterError('vcenter-denied', `${method}: ${said}`, `the login needs ${needed}`);
  }
  const hint = 'see the tasks and events of the vCenter; the same command may be given again';
  return new VcenterError('vcenter-fault', `${method}: ${said}`, hint);
}
