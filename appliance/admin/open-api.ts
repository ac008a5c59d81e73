import { z } from './schema.ts';
import * as schemas from './schema.ts';
import { roles } from './route.ts';
import type { Route } from './route.ts';

type Json = Readonly<Record<string, unknown>>;

/** Of the API, whose paths begin with its first number; the software has a version of its own. */
export const apiVersion = '1.0.0';

const refusals = {
  '400': 'the request is not right',
  '403': 'the role is not enough, or this is done on the node alone',
  '404': 'there is no such thing',
  '409': 'refused as things are',
  '500': 'the server could not do this; its log says more under the request’s id',
  '503': 'the appliance cannot serve this now',
} as const;

/** The OpenAPI 3.1 document of the admin API, made from the routes and their schemas alone. */
export function openApi(routes: readonly Route[], version = apiVersion): Json {
  const components = new Components();
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route, components);
  }
  const problem = { 'application/json': { schema: components.of(schemas.problem, 'output') } };
  const responses = Object.entries(refusals).map(([status, description]) => [
    `refused-${status}`,
    { description, content: problem },
  ]);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Twinlock admin API',
      version,
      summary: 'What administrators see of a node and do with it; never a key’s bytes.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [
      { url: 'https://{node}', variables: { node: { default: 'node:5698' } } },
      { url: 'http://localhost', description: 'the Unix socket on the node' },
    ],
    security: [{ clientCertificate: [] }],
    paths,
    components: {
      securitySchemes: {
        clientCertificate: {
          type: 'mutualTLS',
          description: `TLS 1.3; each certificate has one of the roles ${roles.join(', ')}`,
        },
      },
      responses: Object.fromEntries(responses) as Json,
      schemas: components.schemas(),
    },
  };
}

function operationOf(route: Route, components: Components): Json {
  const { method, path, role, what, query, body, takesBytes, answer, localOnly } = route;
  const bytes = { 'application/octet-stream': { schema: {} } };
  const content =
    takesBytes === true
      ? bytes
      : body === undefined
        ? undefined
        : { 'application/json': { schema: components.of(body, 'input') } };
  const answered =
    answer === undefined
      ? bytes
      : { 'application/json': { schema: components.of(answer, 'output') } };
  const parameters = [...pathParameters(path), ...queryParameters(query, components)];
  return {
    operationId: operationName(method, path),
    summary: what,
    tags: [path.split('/')[2] ?? ''],
    'x-role': role,
    ...(localOnly === true ? { 'x-local-only': true } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(content === undefined ? {} : { requestBody: { required: true, content } }),
    responses: {
      '200': { description: what, content: answered },
      ...Object.fromEntries(
        Object.keys(refusals).map((status) => [
          status,
          { $ref: `#/components/responses/refused-${status}` },
        ]),
      ),
    },
  };
}

function operationName(method: string, path: string): string {
  const words = path.split(/[^a-z]+/).filter((word) => word !== '' && word !== 'v');
  return [method.toLowerCase(), ...words].join('-');
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', maxLength: 128 },
  }));
}

function queryParameters(query: z.ZodType | undefined, components: Components): Json[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = components.plain(query, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

type Names = z.core.$ZodRegistry<{ id: string }>;

/** Schemas by the names that they have in `schema.ts`; what is named there is said once. */
class Components {
  readonly #registry: Names = z.registry<{ id: string }>();
  readonly #used = new Map<string, Json>();

  constructor() {
    for (const [name, value] of Object.entries(schemas)) {
      if (value instanceof z.ZodType) this.#registry.add(value, { id: name });
    }
  }

  /** What goes in as a client writes it; what comes out as the server gives it. */
  of(schema: z.ZodType, io: 'input' | 'output'): Json {
    const made = this.#made(schema, io, this.#registry);
    const { $defs = {}, ...rest } = made as { $defs?: Record<string, Json> };
    for (const [name, each] of Object.entries($defs)) this.#used.set(name, withoutSize(each));
    const id = this.#registry.get(schema)?.id;
    if (id === undefined) return rest;
    if (!('$ref' in rest)) this.#used.set(id, rest);
    return { $ref: `#/components/schemas/${id}` };
  }

  plain(schema: z.ZodType, io: 'input' | 'output'): Json {
    return this.#made(schema, io, z.registry<{ id: string }>());
  }

  schemas(): Json {
    return Object.fromEntries([...this.#used].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #made(schema: z.ZodType, io: 'input' | 'output', metadata: Names): Json {
    const made = z.toJSONSchema(schema, { io, metadata, target: 'draft-2020-12' });
    const text = JSON.stringify(made).replaceAll('"#/$defs/', '"#/components/schemas/');
    const { $schema: _, ...rest } = JSON.parse(text) as Record<string, unknown>;
    return withoutSize(rest);
  }
}

/** Drops what zod says of every whole number, that JavaScript can hold it, and inner ids. */
function withoutSize(value: Json): Json {
  return JSON.parse(
    JSON.stringify(value, (key, each: unknown) => {
      const size = key === 'maximum' || key === 'minimum';
      if (size && Math.abs(Number(each)) === Number.MAX_SAFE_INTEGER) return undefined;
      return key === 'id' && typeof each === 'string' ? undefined : each;
    }),
  ) as Json;
}
