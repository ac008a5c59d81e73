import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';

/**
 * What vCenter sends, built by hand and apart from the appliance's own codec, so that a fault in
 * that codec cannot hide in its own mirror. Layouts as captured from vCenter 7.0.3 and 8.0.1:
 * KMIP 1.1, batch ids of "QLKC" and a little-endian counter that begins at 1 in each message.
 */
export function item(tag: number, type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUIntBE(tag, 0, 3);
  head[3] = type;
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body, Buffer.alloc((8 - (body.length % 8)) % 8)]);
}

const word = (value: number): Buffer => {
  const body = Buffer.alloc(4);
  body.writeUInt32BE(value);
  return body;
};
export const structure = (tag: number, ...items: readonly Buffer[]): Buffer =>
  item(tag, 0x01, Buffer.concat(items));
export const integer = (tag: number, value: number): Buffer => item(tag, 0x02, word(value));
export const enumeration = (tag: number, value: number): Buffer => item(tag, 0x05, word(value));
export const text = (tag: number, value: string): Buffer => item(tag, 0x07, Buffer.from(value));
export const bytes = (tag: number, value: Buffer): Buffer => item(tag, 0x08, value);

export interface Credential {
  readonly user: string;
  readonly password: string;
}

function authentication({ user, password }: Credential): Buffer {
  const value = structure(0x420025, text(0x420099, user), text(0x4200a1, password));
  return structure(0x42000c, structure(0x420023, enumeration(0x420024, 1), value));
}

export interface Wire {
  readonly operation: number;
  readonly payload: Buffer;
}

export interface Shape {
  /** Whether the items carry batch ids: vCenter's first Discover Versions does not. */
  readonly ids?: boolean;
  readonly credential?: Credential | undefined;
  readonly version?: readonly [number, number];
  /** Further header items, already encoded, before Batch Count. */
  readonly header?: Buffer;
}

export function request(items: readonly Wire[], shape: Shape = {}): Buffer {
  const { ids = true, credential, version = [1, 1], header = Buffer.alloc(0) } = shape;
  return structure(
    0x420078,
    structure(
      0x420077,
      structure(0x420069, integer(0x42006a, version[0]), integer(0x42006b, version[1])),
      credential === undefined ? Buffer.alloc(0) : authentication(credential),
      header,
      integer(0x42000d, items.length),
    ),
    ...items.map(({ operation, payload }, i) =>
      structure(
        0x42000f,
        enumeration(0x42005c, operation),
        ids ? bytes(0x420093, batchId(i + 1)) : Buffer.alloc(0),
        item(0x420079, 0x01, payload),
      ),
    ),
  );
}

export function batchId(counter: number): Buffer {
  const id = Buffer.from('QLKC\0\0\0\0', 'latin1');
  id.writeUInt32LE(counter, 4);
  return id;
}

const attribute = (name: string, value: Buffer): Buffer =>
  structure(0x420008, text(0x42000a, name), value);

export const wire = {
  discoverVersions: (): Wire => ({ operation: 0x1e, payload: Buffer.alloc(0) }),
  query: (queryFunction: number): Wire => ({
    operation: 0x18,
    payload: enumeration(0x420074, queryFunction),
  }),
  create: (): Wire => ({
    operation: 0x01,
    payload: Buffer.concat([
      enumeration(0x420057, 2),
      structure(
        0x420091,
        attribute('Cryptographic Algorithm', enumeration(0x42000b, 3)),
        attribute('Cryptographic Usage Mask', integer(0x42000b, 12)),
        attribute('Cryptographic Length', integer(0x42000b, 256)),
      ),
    ]),
  }),
  get: (id: string): Wire => ({ operation: 0x0a, payload: text(0x420094, id) }),
  getAttribute: (id: string, name: string): Wire => ({
    operation: 0x0b,
    payload: Buffer.concat([text(0x420094, id), text(0x42000a, name)]),
  }),
  activate: (id: string): Wire => ({ operation: 0x12, payload: text(0x420094, id) }),
  addAttribute: (id: string, name: string, value: string): Wire => ({
    operation: 0x0d,
    payload: Buffer.concat([text(0x420094, id), attribute(name, text(0x42000b, value))]),
  }),
  revoke: (id: string, code: number): Wire => ({
    operation: 0x13,
    payload: Buffer.concat([text(0x420094, id), structure(0x420081, enumeration(0x420082, code))]),
  }),
  destroy: (id: string): Wire => ({ operation: 0x14, payload: text(0x420094, id) }),
} as const;

/** An answer, read as a tree by hand. */
export interface Node {
  readonly tag: number;
  readonly type: number;
  readonly body: Buffer;
  readonly items: readonly Node[];
}

export function parse(input: Buffer): Node[] {
  const nodes: Node[] = [];
  let rest = input;
  while (rest.length > 0) {
    const type = rest.readUInt8(3);
    const length = rest.readUInt32BE(4);
    const body = rest.subarray(8, 8 + length);
    nodes.push({ tag: rest.readUIntBE(0, 3), type, body, items: type === 1 ? parse(body) : [] });
    rest = rest.subarray(8 + length + ((8 - (length % 8)) % 8));
  }
  return nodes;
}

export function find(nodes: readonly Node[], ...path: readonly number[]): Node | undefined {
  const [tag, ...deeper] = path;
  const node = nodes.find((each) => each.tag === tag);
  return deeper.length === 0 || node === undefined ? node : find(node.items, ...deeper);
}

export interface Result {
  readonly operation: number | undefined;
  readonly batchId: string | undefined;
  readonly status: number | undefined;
  readonly reason: number | undefined;
  readonly payload: readonly Node[];
}

export interface Answer {
  readonly version: readonly [number, number];
  readonly results: readonly Result[];
  readonly raw: Buffer;
}

export function readAnswer(raw: Buffer): Answer {
  const message = parse(raw)[0]?.items ?? [];
  const number = (node: Node | undefined): number => node?.body.readUInt32BE(0) ?? -1;
  const optional = (node: Node | undefined): number | undefined => node?.body.readUInt32BE(0);
  return {
    raw,
    version: [
      number(find(message, 0x42007a, 0x420069, 0x42006a)),
      number(find(message, 0x42007a, 0x420069, 0x42006b)),
    ],
    results: message
      .filter(({ tag }) => tag === 0x42000f)
      .map(({ items }) => ({
        operation: optional(find(items, 0x42005c)),
        batchId: find(items, 0x420093)?.body.toString('hex'),
        status: optional(find(items, 0x42007f)),
        reason: optional(find(items, 0x42007e)),
        payload: find(items, 0x42007c)?.items ?? [],
      })),
  };
}

/** One TLS connection, as vCenter opens one for each thing it does. */
export class Wires {
  readonly socket: TLSSocket;
  #buffer = Buffer.alloc(0);
  #waiting: ((answer: Buffer | undefined) => void)[] = [];

  constructor(options: ConnectionOptions) {
    this.socket = connect({ rejectUnauthorized: false, ...options });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      for (const resolve of this.#waiting.splice(0)) resolve(undefined);
    });
    this.socket.on('data', (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      for (;;) {
        if (this.#buffer.length < 8) return;
        const length = this.#buffer.readUInt32BE(4) + 8;
        if (this.#buffer.length < length) return;
        this.#waiting.shift()?.(this.#buffer.subarray(0, length));
        this.#buffer = this.#buffer.subarray(length);
      }
    });
  }

  /** The next answer, or undefined when the connection ends first. */
  next(): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      if (this.socket.destroyed) resolve(undefined);
      else this.#waiting.push(resolve);
    });
  }

  async exchange(message: Buffer): Promise<Answer> {
    const answer = this.next();
    this.socket.write(message);
    const raw = await answer;
    if (raw === undefined) throw new Error('the connection ended without an answer');
    return readAnswer(raw);
  }

  async ready(): Promise<boolean> {
    return new Promise((resolve) => {
      this.socket.once('secureConnect', () => {
        resolve(true);
      });
      this.socket.once('close', () => {
        resolve(false);
      });
    });
  }

  end(): void {
    this.socket.end();
  }
}
