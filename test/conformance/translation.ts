import { attributeRules } from '../../appliance/kmip/attribute-rule.ts';
import { attributeRule, vendorNameOf } from '../../appliance/kmip/attribute.ts';
import { nameOf, Operation } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { operations } from '../../appliance/operation/index.ts';
import type { XmlNode } from '../harness/xml-item.ts';
import type { Exchange } from './profile-case.ts';

/**
 * A case of 1.4 as 2.x would put it (KMIP 2.1 §4, §6, §7): attributes under their own tags in
 * structures of attributes, named by reference, without index; nothing of templates. It lets 2.x be
 * played through every family before its own cases are there.
 */
export function inVersion2(exchanges: readonly Exchange[], minor: number): Exchange[] {
  return exchanges.map(({ request, response }) => ({
    request: message(request, minor),
    response: message(response, minor),
  }));
}

/** What the tables of a version print: tags by number, object types by their names in XML. */
export interface Words {
  readonly tags: ReadonlySet<number>;
  readonly objectTypes: ReadonlySet<string>;
}

/**
 * A case of one version of 1.x as a neighbour says it: without the attributes and fields that the
 * neighbour has not, with what it says besides. Undefined where it has no words for what is asked.
 */
export function inMinorVersion(
  exchanges: readonly Exchange[],
  minor: number,
  { tags, objectTypes }: Words,
): Exchange[] | undefined {
  const version = 100 + minor;
  const operationsThere = new Set(
    operations.filter(({ since }) => since <= version).map(({ operation }) => operation),
  );
  const has = (node: XmlNode): boolean => {
    if (node.name === 'Operation') {
      const code = (Operation as Readonly<Record<string, number>>)[node.value];
      return (operationsThere as ReadonlySet<unknown>).has(code);
    }
    if (node.name === 'ObjectType' && !objectTypes.has(node.value)) return false;
    return tags.has(node.tag) && node.items.every(has);
  };
  const asked = exchanges.map(({ request }) => said(request, version));
  if (!asked.every(has)) return undefined;
  return exchanges.map(({ response }, i) => ({
    request: asked[i] ?? response,
    response: without(said(response, version), has),
  }));
}

function said(node: XmlNode, version: number): XmlNode {
  if (node.name === 'ProtocolVersionMinor') return { ...node, value: String(version - 100) };
  const items = node.items
    .filter((item) => isKnown(nameIn(item), version))
    .map((item) => said(item, version));
  const isDigest = items.some(({ name }) => name === 'DigestValue');
  const isWhole = items.some(({ name }) => name === 'KeyFormatType');
  if (!isDigest || isWhole || version < 101) return { ...node, items };
  return { ...node, items: [...items, keyFormatType] };
}

/** What a Digest says from 1.1 on (KMIP 1.1 §3.17). */
const keyFormatType: XmlNode = {
  ...{ name: 'KeyFormatType', tag: Tag.KeyFormatType, type: 'Enumeration', value: 'Raw' },
  ...{ table: 'KeyFormatType', items: [] },
};

/** The attribute that an item is, or names. */
function nameIn({ name, value, items }: XmlNode): string | undefined {
  if (name === 'AttributeName') return value;
  return name === 'Attribute'
    ? items.find((item) => item.name === 'AttributeName')?.value
    : undefined;
}

function isKnown(name: string | undefined, version: number): boolean {
  if (name === undefined || attributeRules[name] === undefined) return true;
  return attributeRule(name, version) !== undefined;
}

/** An answer without what the version has no tag for. */
function without(node: XmlNode, has: (node: XmlNode) => boolean): XmlNode {
  const kept = node.items.filter((item) => item.items.length > 0 || has(item));
  return { ...node, items: kept.map((item) => without(item, has)) };
}

function message(node: XmlNode, minor: number): XmlNode {
  return { ...node, items: node.items.map((item) => part(item, minor)) };
}

function part(node: XmlNode, minor: number): XmlNode {
  if (node.name !== 'BatchItem') return withVersion(node, minor);
  const operation = node.items.find(({ name }) => name === 'Operation')?.value ?? '';
  const items = node.items.map((item) => {
    if (item.name === 'RequestPayload') return payload(item, operation, true);
    if (item.name === 'ResponsePayload') return payload(item, operation, false);
    return item;
  });
  return { ...node, items };
}

function withVersion(node: XmlNode, minor: number): XmlNode {
  const value: Readonly<Record<string, string>> = {
    ProtocolVersionMajor: '2',
    ProtocolVersionMinor: String(minor),
  };
  const own = value[node.name];
  if (own !== undefined) return { ...node, value: own };
  return { ...node, items: node.items.map((item) => withVersion(item, minor)) };
}

const structures: Readonly<Record<string, string>> = {
  TemplateAttribute: 'Attributes',
  CommonTemplateAttribute: 'CommonAttributes',
  PrivateKeyTemplateAttribute: 'PrivateKeyAttributes',
  PublicKeyTemplateAttribute: 'PublicKeyAttributes',
};

function payload(node: XmlNode, operation: string, isRequest: boolean): XmlNode {
  const changes = /^(Add|Modify)Attribute$/.test(operation);
  if (operation === 'DeleteAttribute') return { ...node, items: deletion(node, isRequest) };
  if (changes && !isRequest) return { ...node, items: node.items.filter(notAttribute) };
  if (changes) {
    const items = node.items.map((item) =>
      item.name === 'Attribute' ? made('NewAttribute', [attribute(item)]) : item,
    );
    return { ...node, items };
  }
  const gathered = operation === 'Locate' || operation === 'GetAttributes';
  const attributes = node.items.filter((item) => gathered && item.name === 'Attribute');
  const rest = node.items
    .filter((item) => !attributes.includes(item))
    .filter((item) => !isTemplateOnly(item))
    .map((item) => field(item));
  // A Locate asks by attributes and answers with identifiers, Get Attributes the other way round.
  const list = isRequest
    ? operation === 'Locate' && attributes.length > 0
    : operation === 'GetAttributes';
  if (!list) return { ...node, items: rest };
  return { ...node, items: [...rest, made('Attributes', attributes.map(attribute))] };
}

function isTemplateOnly({ name, value }: XmlNode): boolean {
  return name === 'ObjectType' && value === 'Template';
}

function notAttribute({ name }: XmlNode): boolean {
  return name !== 'Attribute';
}

function deletion(node: XmlNode, isRequest: boolean): XmlNode[] {
  if (!isRequest) return node.items.filter(notAttribute);
  return node.items
    .filter(({ name }) => name !== 'AttributeIndex')
    .map((item) => (item.name === 'AttributeName' ? reference(item.value) : item));
}

function field(node: XmlNode): XmlNode {
  if (node.name === 'AttributeName') return reference(node.value);
  const structure = structures[node.name];
  if (structure === undefined) return node;
  return made(structure, node.items.filter(({ name }) => name === 'Attribute').map(attribute));
}

function attribute(node: XmlNode): XmlNode {
  const name = node.items.find((item) => item.name === 'AttributeName')?.value ?? '';
  const value = node.items.find((item) => item.name === 'AttributeValue');
  if (value === undefined) throw new Error(`${name} without a value`);
  const vendor = vendorNameOf(name);
  if (vendor !== undefined) {
    return made('Attribute', [
      text('VendorIdentification', vendor.vendor),
      text('AttributeName', vendor.name),
      value,
    ]);
  }
  const tag = attributeRules[name]?.tag ?? 0;
  return { ...value, name: nameOf(Tag, tag), tag };
}

function reference(name: string): XmlNode {
  const vendor = vendorNameOf(name);
  if (vendor !== undefined) {
    const { vendor: identification, name: own } = vendor;
    return made('AttributeReference', [
      text('VendorIdentification', identification),
      text('AttributeName', own),
    ]);
  }
  const value = nameOf(Tag, attributeRules[name]?.tag ?? 0);
  const tag = Tag.AttributeReference;
  const common = { name: 'AttributeReference', tag, table: 'AttributeReference', items: [] };
  return { ...common, type: 'Enumeration', value };
}

function text(name: 'VendorIdentification' | 'AttributeName', value: string): XmlNode {
  return { name, tag: Tag[name], type: 'TextString', value, table: name, items: [] };
}

function made(name: string, items: readonly XmlNode[]): XmlNode {
  const tag = (Tag as Readonly<Record<string, number>>)[name] ?? 0;
  return { name, tag, type: 'Structure', value: '', table: name, items };
}
