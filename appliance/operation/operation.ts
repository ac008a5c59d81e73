import type { CancellationResult, Operation as OperationCode } from '../kmip/enumeration.ts';
import type { ProcessingStage, ResultReason } from '../kmip/enumeration.ts';
import { KmipError } from '../kmip/error.ts';
import type { Ticket } from '../kmip/credential.ts';
import type { Client } from '../keystore/client.ts';
import type { Draft, Keystore } from '../keystore/keystore.ts';
import type { ManagedObject } from '../keystore/managed-object.ts';
import { Tag } from '../kmip/tag.ts';
import { shown } from '../keystore/imported.ts';
import type { Streams } from './stream.ts';
import type { Terms } from './ticket.ts';
import type { Writer } from '../ttlv/encode.ts';
import type { Item } from '../ttlv/item.ts';
import type { Codec } from '../ttlv/structure.ts';

/**
 * `use`: with its key; `recover`: from the archive, where nothing else reaches an object; `export`:
 * with all its attributes, which one that is destroyed still has; `revoke`: one that is destroyed
 * can still become known to be compromised.
 */
export type ObjectRight =
  'get' | 'read' | 'use' | 'modify' | 'revoke' | 'destroy' | 'recover' | 'export';

/** What a client needs in order to be let at an operation's target. */
export type Policy =
  /** Speaks of the server alone; any client that was let in. */
  | { readonly target: 'server' }
  /** Makes or lists objects of the client's own key group, or says how they are made. */
  | { readonly target: 'group'; readonly right: 'create' | 'locate' | 'configure' }
  /** Touches one object, which has to be of the client's own key group. */
  | { readonly target: 'object'; readonly right: ObjectRight };

/** Where an act reads: the keystore itself, or the draft of the change it is part of. */
export type View = Pick<Keystore, 'object' | 'locate'>;

/** The identifiers that an answer gave, for the items that follow. */
export interface Answered {
  readonly uniqueIdentifier?: string;
  readonly privateKeyUniqueIdentifier?: string;
  readonly publicKeyUniqueIdentifier?: string;
  readonly uniqueIdentifiers?: readonly string[];
}

/** What the client asked to be answered later. */
export interface Later {
  /** Marks the item as a Poll of this value, whose answer is another operation's. */
  readonly poll: (correlation: Uint8Array) => void;
  readonly cancel: (correlation: Uint8Array) => CancellationResult;
  /** Resolves when the operation is done. */
  readonly finish: (correlation: Uint8Array) => Promise<void>;
  /** What the client has not fetched yet, the oldest first. */
  readonly list: () => readonly PendingRequest[];
}

/** An operation that is to be answered later, or waits to be fetched. */
export interface PendingRequest {
  readonly correlation: Buffer;
  readonly operation: OperationCode;
  /** When it was asked for, in seconds since 1970. */
  readonly submitted: number;
  readonly stage: ProcessingStage;
}

/** The tickets that the client gives out. */
export interface OwnTickets {
  /** `self`: for the client alone; `group`: for any client of its key group. */
  readonly issue: (terms: Terms, bearer: 'self' | 'group') => Ticket;
  readonly end: (value: Uint8Array) => void;
}

/** What an operation may use; made for one batch item. */
export interface Context {
  readonly client: Client;
  /** 1.4 is 104. */
  readonly version: number;
  readonly keystore: Keystore;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly random: (bytes: number) => Buffer;
  readonly newIdentifier: () => string;
  /** What clients send in pieces, between one piece and the next. */
  readonly streams: Streams;
  /** The operations that the server performs, for Query. */
  readonly operations: readonly OperationCode[];
  /**
   * The object an item speaks of: by identifier, or by the ID Placeholder (KMIP 1.4 §4) where the
   * item names none. Throws KmipError Item Not Found for one that does not exist and for one that
   * the client may not touch, which the client cannot tell apart.
   */
  readonly target: (view: View, identifier: string | undefined) => ManagedObject;
  readonly pending: Later;
  readonly tickets: OwnTickets;
  /** Notes the identifiers of an answer for the items that follow. */
  readonly answered: (answer: Answered) => void;
  /** Whether what an operation gives is for the items that follow alone (KMIP 2.1 §8.3). */
  readonly ephemeral: boolean;
  /** Puts what earlier items gave in the place of what stands for it. */
  readonly withData: (payload: Item) => Item;
  /** Notes the data of an answer for the items that follow. */
  readonly produced: (bytes: Uint8Array) => void;
  /** Counts identifiers of an answer. Throws KmipError where a message would list too many. */
  readonly list: (count: number) => void;
  /** Sets the ID Placeholder for the items that follow. */
  readonly place: (identifier: string) => void;
}

/** Writes a response payload, once its message is being written. */
export type WritePayload = (writer: Writer, version: number) => void;

/** A refusal that answers with values of its own; it empties the ID Placeholder (§4.10). */
export class Denial extends KmipError {
  readonly writePayload: WritePayload;

  constructor(reason: ResultReason, message: string, writePayload: WritePayload) {
    super(reason, message);
    this.writePayload = writePayload;
  }
}

/** The second half of an operation: synchronous as far as it reads or changes the view. */
export type Act<Response, V> = (view: V) => Response | Promise<Response>;

type Prepared<Response, V> = Act<Response, V> | Promise<Act<Response, V>>;

interface Declaration<Request, Response, V> {
  readonly operation: OperationCode;
  /** The first protocol version that has it. */
  readonly since: number;
  readonly policy: Policy;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
  /**
   * Does what takes time (making and sealing a key) and gives the act. The dispatcher runs the act
   * of a change inside a change, alone or, where a batch is to be undone as a whole, with its
   * neighbours.
   */
  readonly prepare: (request: Request, context: Context) => Prepared<Response, V>;
}

interface Common {
  readonly operation: OperationCode;
  readonly since: number;
  readonly policy: Policy;
}

/** An operation as the dispatcher sees it: its payloads' types stay behind the declaration. */
export type OperationDefinition = Common &
  (
    | {
        readonly changes: false;
        /** Throws TtlvError for a payload that is not the operation's, KmipError for a refusal. */
        readonly prepare: (payload: Item, context: Context) => Promise<Act<WritePayload, View>>;
      }
    | {
        readonly changes: true;
        readonly prepare: (payload: Item, context: Context) => Promise<Act<WritePayload, Draft>>;
      }
  );

/** An operation that changes nothing. Without a policy it does not compile. */
export function defineReading<Request, Response>(
  declaration: Declaration<Request, Response, View>,
): OperationDefinition {
  return { ...common(declaration), changes: false, prepare: erased(declaration) };
}

/** An operation that changes the keystore. Without a policy it does not compile. */
export function defineChange<Request, Response>(
  declaration: Declaration<Request, Response, Draft>,
): OperationDefinition {
  return { ...common(declaration), changes: true, prepare: erased(declaration) };
}

function common({ operation, since, policy }: Common): Common {
  return { operation, since, policy };
}

function erased<Request, Response, V extends View>({
  request,
  response,
  prepare,
}: Declaration<Request, Response, V>): (
  payload: Item,
  context: Context,
) => Promise<Act<WritePayload, V>> {
  const write =
    (value: Response): WritePayload =>
    (writer, version) => {
      response.write(writer, Tag.ResponsePayload, value, version);
    };
  return async (payload, context) => {
    const asked = request.read(context.withData(payload), context.version);
    const act = await prepare(asked, context);
    return (view) => {
      const answer = (value: Response): WritePayload => {
        const { said, identifiers } = inClientsWords(value, view);
        context.answered(identifiers);
        return write(withoutEphemeral(said, context));
      };
      const made = act(view);
      return made instanceof Promise ? made.then(answer) : answer(made);
    };
  };
}

const identifierFields = [
  'uniqueIdentifier',
  'privateKeyUniqueIdentifier',
  'publicKeyUniqueIdentifier',
  'uniqueIdentifiers',
] as const satisfies readonly (keyof Answered)[];

/** An answer with the identifiers that clients know objects by, and those alone. */
function inClientsWords<Response>(
  response: Response,
  view: View,
): { readonly said: Response; readonly identifiers: Answered } {
  const fields = response as Readonly<Record<string, string | readonly string[] | undefined>>;
  const identifiers: Record<string, string | readonly string[]> = {};
  for (const name of identifierFields) {
    const found = fields[name];
    if (typeof found === 'string') identifiers[name] = shown(view, found);
    else if (found !== undefined) identifiers[name] = found.map((each) => shown(view, each));
  }
  return { said: { ...response, ...identifiers }, identifiers };
}

/** Where the data stands that an operation gives. */
const dataFields = ['data', 'macData', 'signatureData'] as const;

/** Keeps an answer's data for the items that follow, and from its client where it is ephemeral. */
function withoutEphemeral<Response>(response: Response, context: Context): Response {
  const fields = { ...response } as Record<string, unknown>;
  for (const name of dataFields) {
    const bytes = fields[name];
    if (!(bytes instanceof Uint8Array)) continue;
    context.produced(bytes);
    if (context.ephemeral) fields[name] = undefined;
  }
  return fields as Response;
}
