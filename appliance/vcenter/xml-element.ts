import { DOMParser } from '@xmldom/xmldom';
import { VcenterError } from './error.ts';

/** An element of an answer: its name without prefix, its xsi:type or type, its text or children. */
export interface XmlElement {
  readonly name: string;
  readonly type: string | undefined;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

const deepest = 64;

/** Reads a document. Throws VcenterError `vcenter-fault` for what is none, or declares entities. */
export function parseXml(text: string): XmlElement {
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) throw unreadable();
  const found: string[] = [];
  const onError = (level: string, message: string): void => {
    if (level !== 'warning') found.push(message);
  };
  try {
    const root = new DOMParser({ onError }).parseFromString(text, 'text/xml').documentElement;
    if (root === null || found.length > 0) throw unreadable();
    return elementOf(root, 0);
  } catch (cause) {
    throw cause instanceof VcenterError ? cause : unreadable(cause);
  }
}

/** The descendant that these names lead to, the first of each name. */
export function descendant(from: XmlElement, ...path: readonly string[]): XmlElement | undefined {
  return path.reduce<XmlElement | undefined>(
    (at, name) => at?.children.find((child) => child.name === name),
    from,
  );
}

/** All children of this name. */
export function childrenOf(from: XmlElement | undefined, name: string): readonly XmlElement[] {
  return from?.children.filter((child) => child.name === name) ?? [];
}

/** The text at the end of a path, or nothing. */
export function textAt(from: XmlElement | undefined, ...path: readonly string[]): string {
  return from === undefined ? '' : (descendant(from, ...path)?.text ?? '');
}

/** Text as it stands between tags. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

interface DomNode {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly localName?: string | null;
  readonly nodeValue: string | null;
  readonly firstChild: DomNode | null;
  readonly nextSibling: DomNode | null;
  getAttribute?(name: string): string | null;
}

const elementNode = 1;
const textNodes = [3, 4];

function elementOf(node: DomNode, depth: number): XmlElement {
  if (depth > deepest) throw unreadable();
  const children: XmlElement[] = [];
  let text = '';
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (child.nodeType === elementNode) children.push(elementOf(child, depth + 1));
    else if (textNodes.includes(child.nodeType)) text += child.nodeValue ?? '';
  }
  const type = node.getAttribute?.('xsi:type') ?? node.getAttribute?.('type') ?? undefined;
  return {
    name: node.localName ?? node.nodeName,
    type: type?.replace(/^.*:/, '') === '' ? undefined : type?.replace(/^.*:/, ''),
    text: text.trim(),
    children,
  };
}

function unreadable(cause?: unknown): VcenterError {
  const hint = 'is it a vCenter, and its service vpxd started?';
  return new VcenterError('vcenter-fault', 'what answers there is not vSphere’s API', hint, {
    cause,
  });
}
