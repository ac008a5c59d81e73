import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultAdminPort } from '../admin/transport.ts';
import type { RemoteNode } from '../admin/transport.ts';
import { CommandError } from './context.ts';
import type { GlobalOptions } from './global-option.ts';

/** The node that the options name, with who asks it; undefined for the one this runs on. */
export function nodeElsewhere(options: GlobalOptions): RemoteNode | undefined {
  const { node, identity, cert, key, ca, state } = options;
  if (node === undefined) return undefined;
  if (state !== undefined) {
    const hint = '--state is a trial on this machine, --node is a node elsewhere';
    throw new CommandError('bad-request', 'give one of --state and --node', hint);
  }
  const file = (given: string | undefined, name: string, option: string): string => {
    const path = given ?? (identity === undefined ? undefined : join(identity, name));
    if (path !== undefined) return read(path);
    const hint = 'give --identity DIR, or --cert, --key and --ca';
    throw new CommandError('bad-request', `--node needs ${option}`, hint);
  };
  return {
    ...endpoint(node),
    certificate: file(cert, 'cert.pem', '--cert'),
    key: file(key, 'key.pem', '--key'),
    trusted: file(ca, 'ca.pem', '--ca'),
  };
}

/** What is secret never goes over the network: shares and PINs are typed at the node. */
export function notFromElsewhere(): CommandError {
  const hint = 'tokens, PINs, shares and pairing need a person at the node: its console, or there';
  return new CommandError('denied', 'this is done on the node itself', hint);
}

/** HOST or HOST:PORT. Throws CommandError `bad-request`. */
export function endpoint(text: string): { host: string; port: number } {
  const [, bracketed, plain, port] =
    /^(?:\[([\da-fA-F:]+)\]|([^:\s]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const number = port === undefined ? defaultAdminPort : Number(port);
  if (host !== undefined && number > 0 && number < 65_536) return { host, port: number };
  throw new CommandError('bad-request', `${text} is no address`, 'write HOST, or HOST:PORT');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CommandError('bad-request', `${path} cannot be read`, 'name a PEM file', { cause });
  }
}
