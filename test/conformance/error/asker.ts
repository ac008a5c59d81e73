import { randomUUID } from 'node:crypto';
import { attributeRules } from '../../../appliance/kmip/attribute-rule.ts';
import { vendorNameOf } from '../../../appliance/kmip/attribute.ts';
import { nameOf, Operation } from '../../../appliance/kmip/enumeration.ts';
import { ResultReason, ResultStatus } from '../../../appliance/kmip/enumeration.ts';
import { Tag } from '../../../appliance/kmip/tag.ts';
import type { Item } from '../../../appliance/ttlv/item.ts';
import { textOf } from '../scene.ts';
import { enumerated, found, id, integer, struct, text } from '../../harness/operations.ts';

export type OperationName = keyof typeof Operation;

/** What one batch item was answered. */
export interface Outcome {
  readonly operation: string | undefined;
  readonly status: string;
  /** The name of the Result Reason; "Success" where there is none. */
  readonly reason: string;
  readonly payload: readonly Item[];
  /** The last batch item's own fields. */
  readonly fields: readonly Item[];
  /** Of all items of the answer, in their order. */
  readonly statuses: readonly string[];
}

/** An attribute by the name of 1.x, and its value under any tag. */
export type Given = readonly [name: string, value: Item];

export interface Manner {
  readonly header?: readonly Item[];
  /** What follows the payload in the batch item. */
  readonly behind?: readonly Item[];
}

const inVersion2: Readonly<Record<string, keyof typeof Tag>> = {
  TemplateAttribute: 'Attributes',
  CommonTemplateAttribute: 'CommonAttributes',
  PrivateKeyTemplateAttribute: 'PrivateKeyAttributes',
  PublicKeyTemplateAttribute: 'PublicKeyAttributes',
};

/** Asks a server in the words of one version: requests are written once for all seven. */
export class Asker {
  /** 1.4 is 104. */
  readonly version: number;
  readonly #send: (message: Item) => Promise<Item>;
  readonly now: number;

  constructor(version: number, now: number, send: (message: Item) => Promise<Item>) {
    this.version = version;
    this.now = now;
    this.#send = send;
  }

  /** The same client in another version. */
  in(version: number): Asker {
    return new Asker(version, this.now, this.#send);
  }

  get isOld(): boolean {
    return this.version < 200;
  }

  /** A structure of attributes, by the name that 1.x has for it. */
  with(name: string, ...given: readonly Given[]): Item {
    if (this.isOld) return struct(name as keyof typeof Tag, ...given.map((each) => this.one(each)));
    return struct(inVersion2[name] ?? (name as keyof typeof Tag), ...this.list(given));
  }

  list(given: readonly Given[]): Item[] {
    return given.map((each) => this.one(each));
  }

  one([name, value]: Given): Item {
    const tagged = { ...value, tag: Tag.AttributeValue };
    if (this.isOld) return struct('Attribute', text('AttributeName', name), tagged);
    const vendor = vendorNameOf(name);
    if (vendor !== undefined) {
      return struct(
        'Attribute',
        text('VendorIdentification', vendor.vendor),
        text('AttributeName', vendor.name),
        tagged,
      );
    }
    return { ...value, tag: attributeRules[name]?.tag ?? value.tag };
  }

  /** The field that names an attribute. */
  named(name: string): Item {
    if (this.isOld) return text('AttributeName', name);
    return enumerated('AttributeReference', attributeRules[name]?.tag ?? 0x42ffff);
  }

  /** The field that gives an attribute anew. */
  anew(given: Given): Item {
    return this.isOld ? this.one(given) : struct('NewAttribute', this.one(given));
  }

  async ask(
    operation: OperationName,
    payload: readonly Item[],
    manner: Manner = {},
  ): Promise<Outcome> {
    return this.batch([[operation, payload]], manner);
  }

  /** One message of several items; the outcome is the last one's. */
  async batch(
    items: readonly (readonly [operation: OperationName | number, payload: readonly Item[]])[],
    { header = [], behind = [] }: Manner = {},
  ): Promise<Outcome> {
    const version = this.version;
    const batchItems = items.map(([operation, payload], i) =>
      struct(
        'BatchItem',
        enumerated('Operation', typeof operation === 'number' ? operation : Operation[operation]),
        { tag: Tag.UniqueBatchItemID, type: 'ByteString', value: Buffer.from([i + 1]) },
        struct('RequestPayload', ...payload),
        ...behind,
      ),
    );
    return outcomeOf(
      await this.#send(
        struct('RequestMessage', headerOf(version, items.length, header), ...batchItems),
      ),
    );
  }

  /** A message as it stands. */
  async raw(message: Item): Promise<Outcome> {
    return outcomeOf(await this.#send(message));
  }

  /** Asks for what has to succeed, and gives the identifiers that came. */
  async made(operation: OperationName, payload: readonly Item[]): Promise<string[]> {
    const { reason, payload: came } = await this.ask(operation, payload);
    if (reason !== 'Success') throw new Error(`${operation} in ${this.version}: ${reason}`);
    const identifiers: readonly number[] = [
      Tag.PrivateKeyUniqueIdentifier,
      Tag.PublicKeyUniqueIdentifier,
      Tag.UniqueIdentifier,
    ];
    return came.filter(({ tag }) => identifiers.includes(tag)).map(textOf);
  }

  async activate(identifier: string): Promise<string> {
    await this.made('Activate', [id(identifier)]);
    return identifier;
  }

  async archive(identifier: string): Promise<string> {
    await this.made('Archive', [id(identifier)]);
    return identifier;
  }
}

export function headerOf(version: number, count: number, more: readonly Item[] = []): Item {
  const order = struct(
    'ProtocolVersion',
    integer('ProtocolVersionMajor', Math.floor(version / 100)),
    integer('ProtocolVersionMinor', version % 100),
  );
  return struct('RequestHeader', order, ...more, integer('BatchCount', count));
}

function outcomeOf(message: Item): Outcome {
  const items = message.type === 'Structure' ? message.value.slice(1) : [];
  const last = items.at(-1);
  const fields = last?.type === 'Structure' ? last.value : [];
  const number = (name: keyof typeof Tag, among: readonly Item[]): number | undefined => {
    const value = among.find(({ tag }) => tag === Tag[name])?.value;
    return typeof value === 'number' ? value : undefined;
  };
  const statusOf = (among: readonly Item[]): string =>
    nameOf(ResultStatus, number('ResultStatus', among) ?? -1);
  const operation = number('Operation', fields);
  const reason = number('ResultReason', fields);
  const payload = fields.find(({ tag }) => tag === Tag.ResponsePayload);
  return {
    operation: operation === undefined ? undefined : nameOf(Operation, operation),
    status: statusOf(fields),
    reason: reason === undefined ? 'Success' : nameOf(ResultReason, reason),
    payload: payload?.type === 'Structure' ? payload.value : [],
    fields,
    statuses: items.map((item) => statusOf(item.type === 'Structure' ? item.value : [])),
  };
}

export const unknown = (): string => randomUUID();

export { found };
