import { isIP, isIPv4 } from 'node:net';
import { z } from '../admin/schema.ts';

/** "192.0.2.10/24", or IPv6 with its prefix. */
const interfaceAddress = z.string().refine(isInterfaceAddress, 'is not ADDRESS/PREFIX');
const address = z.string().refine((text) => isIP(text) !== 0, 'is not an address');
const label = /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i;
const hostName = z
  .string()
  .max(253)
  .refine((text) => text.split('.').every((part) => label.test(part)), 'is not a host name');
const host = z.union([address, hostName]);
const peerAddress = z.string().regex(/^(\[[\da-fA-F:]+\]|[^:\s]+):\d{1,5}$/, 'is not ADDRESS:PORT');
const hours = z.number().int().min(1).max(8_760);

/** What the wizard asks, and what a file for `twinlock setup --from` says; docs/install.md. */
export const setupAnswers = z.strictObject({
  /** Absent: the network is left as it is. */
  network: z
    .discriminatedUnion('method', [
      z.strictObject({
        method: z.literal('dhcp'),
        interface: z.string().regex(/^[\w.-]{1,15}$/),
      }),
      z.strictObject({
        method: z.literal('static'),
        interface: z.string().regex(/^[\w.-]{1,15}$/),
        address: interfaceAddress,
        gateway: address,
        name_servers: z.array(address).default([]),
      }),
    ])
    .optional(),
  /** Absent: the host's name is left as it is. */
  name: hostName.optional(),
  /** Absent: the clock is left to what sets it now. */
  time: z
    .strictObject({
      servers: z.array(host).min(1).max(8),
      /** Whether the servers prove who they are (RFC 8915). */
      nts: z.boolean().default(true),
    })
    .optional(),
  administrator: z
    .strictObject({
      /** Its first line is the passphrase. */
      passphrase_file: z.string(),
    })
    .optional(),
  root_key: z
    .strictObject({
      /** The token's name in the configuration; the first without it. */
      token: z.string().optional(),
      /** Its first line is the PIN, where the keeper is not given it otherwise. */
      pin_file: z.string().optional(),
    })
    .prefault({}),
  node: z.discriminatedUnion('role', [
    z.strictObject({
      role: z.literal('first'),
      peer_lost: z
        .discriminatedUnion('policy', [
          z.strictObject({ policy: z.literal('alone-for'), hours: hours.default(72) }),
          z.strictObject({ policy: z.literal('refuse') }),
          z.strictObject({ policy: z.literal('alone') }),
        ])
        .prefault({ policy: 'alone-for' }),
    }),
    z.strictObject({
      role: z.literal('second'),
      peer: peerAddress,
      code: z.string().min(1).max(64),
      /**
       * Words that a person has read on the first node. Without them a person compares at the
       * terminal.
       */
      words: z.array(z.string()).optional(),
    }),
  ]),
});

export type SetupAnswers = z.output<typeof setupAnswers>;

function isInterfaceAddress(text: string): boolean {
  const [ip = '', prefix = '', more] = text.split('/');
  const bits = isIPv4(ip) ? 32 : 128;
  return more === undefined && isIP(ip) !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits;
}

/**
 * The first thing wrong with what was typed or read, as one line; absent where nothing is. `part`:
 * looks at that entry alone.
 */
export function faultOf(value: unknown, part?: string): string | undefined {
  const issues = setupAnswers.safeParse(value).error?.issues ?? [];
  const issue = issues.find(({ path }) => part === undefined || path[0] === part);
  if (issue === undefined) return undefined;
  const place = issue.path.join('.');
  return `${place === '' ? '' : `${place}: `}${issue.message}`;
}
