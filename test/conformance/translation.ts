import { attributeRules } from '../../appliance/kmip/attribute-rule.ts';
import { vendorNameOf } from '../../appliance/kmip/attribute.ts';
import { nameOf } from '../../appliance/kmip/enumeration.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
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

/** A case as the next minor version of 1.x says it: the same but for the header. */
export function inMinorVersion(exchanges: readonly Exchange[], minor: number): Exchange[] {
  const said = (node: XmlNode): XmlNode => {
    if (node.name === 'ProtocolVersionMinor') return { ...node, value: String(minor) };
    return { ...node, items: node.items.map(said) };
  };
  return exchanges.map(({ request, response }) => ({
    request: said(request),
    response: said(response),
  }));
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
