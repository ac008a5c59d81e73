import { administratorRoles } from '../keystore/administrator.ts';
import type { AdministratorRole as Role } from '../keystore/administrator.ts';
import type { Act } from './appliance.ts';
import type { z } from './schema.ts';

export { administratorRoles as roles } from '../keystore/administrator.ts';
export type { AdministratorRole as Role } from '../keystore/administrator.ts';

/** Whether a role may do what needs this one: each may all that the ones before it may. */
export function mayDo(role: Role, needed: Role): boolean {
  return administratorRoles.indexOf(role) >= administratorRoles.indexOf(needed);
}

/** One request of the admin API as a route sees it, checked against the route's schemas. */
export interface RouteInput {
  /** What stands for `:name` in the path, at most 128 characters each. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: never;
  readonly body: never;
  /** The body of a route that takes bytes. */
  readonly bytes: AsyncIterable<Buffer>;
  readonly act: Act;
  /** Whether whoever asks sits on the node: what is secret leaves it on no other way. */
  readonly local: boolean;
}

/** One route of the table from which the server, the document and the checks are made. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: `/v1/${string}`;
  readonly role: Role;
  readonly what: string;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** The body is bytes of any length (application/octet-stream), no JSON. */
  readonly takesBytes?: true;
  /** Absent where the answer is bytes: the handler gives a stream. */
  readonly answer?: z.ZodType;
  /** Only on the node: its question or its answer holds what is secret. */
  readonly localOnly?: true;
  /** Throws AdminError. */
  handle(input: RouteInput): unknown;
}

/** Makes a route whose handler has the types of its schemas. */
export function route<Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType>(declared: {
  readonly method: Route['method'];
  readonly path: Route['path'];
  readonly role: Role;
  readonly what: string;
  readonly query?: Q;
  readonly body?: B;
  readonly takesBytes?: true;
  readonly answer: A;
  readonly localOnly?: true;
  readonly handle: (input: {
    readonly path: Readonly<Record<string, string>>;
    readonly query: z.output<Q>;
    readonly body: z.output<B>;
    readonly bytes: AsyncIterable<Buffer>;
    readonly act: Act;
    readonly local: boolean;
  }) => z.input<A> | Promise<z.input<A>>;
}): Route {
  return declared;
}

/** Makes a route that answers with bytes. */
export function bytesRoute(declared: {
  readonly method: Route['method'];
  readonly path: Route['path'];
  readonly role: Role;
  readonly what: string;
  readonly handle: (input: { readonly act: Act }) => AsyncIterable<Buffer>;
}): Route {
  return declared;
}
