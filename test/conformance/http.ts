import { request } from 'node:https';
import { fromJson, toJson } from '../../appliance/encoding/json.ts';
import { fromXml, toXml } from '../../appliance/encoding/xml.ts';
import { decode } from '../../appliance/ttlv/decode.ts';
import { encode } from '../../appliance/ttlv/encode.ts';
import { defaultLimits } from '../../appliance/ttlv/limit.ts';
import type { Item } from '../../appliance/ttlv/item.ts';

/** Where and as whom to post. */
export interface Post {
  readonly host: string;
  readonly port: number;
  readonly cert: string;
  readonly key: string;
}

export interface Posted {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

/** One POST, or whatever method and path; rejects when the connection ends without an answer. */
export function post(
  { host, port, cert, key }: Post,
  body: Buffer,
  type: string,
  { method = 'POST', path = '/kmip' } = {},
): Promise<Posted> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': type, 'Content-Length': body.length };
    const options = { host, port, cert, key, method, path, headers, agent: false };
    const sent = request({ ...options, rejectUnauthorized: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () => {
        const { statusCode: status = 0, headers: fields } = answer;
        resolve({ status, type: fields['content-type'] ?? '', body: Buffer.concat(chunks) });
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

interface Spoken {
  readonly type: string;
  readonly write: (item: Item) => Buffer;
  readonly read: (body: Buffer) => Item;
}

/** The encodings that the message encoding profiles ask for, by the family of their cases. */
export const spoken: Readonly<Record<string, Spoken>> = {
  'MSGENC-HTTPS-M': {
    type: 'application/octet-stream',
    write: encode,
    read: (body) => decode(body),
  },
  'MSGENC-XML-M': {
    type: 'text/xml',
    write: (item) => Buffer.from(toXml(item)),
    read: (body) => fromXml(body.toString(), defaultLimits),
  },
  'MSGENC-JSON-M': {
    type: 'application/json',
    write: (item) => Buffer.from(toJson(item)),
    read: (body) => fromJson(body.toString(), defaultLimits),
  },
};
