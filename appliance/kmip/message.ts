import { decode } from '../ttlv/decode.ts';
import { Writer } from '../ttlv/encode.ts';
import { TtlvError } from '../ttlv/error.ts';
import type { Item } from '../ttlv/item.ts';
import type { Limits } from '../ttlv/limit.ts';
import {
  anyItem,
  boolean,
  byteString,
  dateTime,
  enumeration,
  integer,
  optional,
  repeated,
  required,
  structure,
  textString,
} from '../ttlv/structure.ts';
import type { Codec, Decoded } from '../ttlv/structure.ts';
import { credential } from './credential.ts';
import {
  AsynchronousIndicator,
  AttestationType,
  BatchErrorContinuationOption,
  ResultReason,
  ResultStatus,
} from './enumeration.ts';
import type { Operation } from './enumeration.ts';
import { KmipError } from './error.ts';
import { Tag } from './tag.ts';
import { isSupported, protocolVersion, supportedVersions, versionNumber } from './version.ts';
import type { ProtocolVersion } from './version.ts';

/** Any operation number reads: the dispatcher, not the codec, says Operation Not Supported. */
const operation: Codec<Operation> = {
  read(item) {
    if (item.type !== 'Enumeration') throw new TtlvError('bad-type', item.tag);
    return item.value as Operation;
  },
  write(writer, tag, value) {
    writer.item({ tag, type: 'Enumeration', value });
  },
};

/** Whether a client takes an asynchronous answer: yes or no in 1.x, a choice of three in 2.x. */
const asynchronousIndicator: Codec<AsynchronousIndicator> = {
  read(item, version) {
    if (version >= 200) return enumeration(AsynchronousIndicator).read(item, version);
    return boolean.read(item, version)
      ? AsynchronousIndicator.Optional
      : AsynchronousIndicator.Prohibited;
  },
  write(writer, tag, value, version) {
    if (version >= 200) writer.item({ tag, type: 'Enumeration', value });
    else writer.item({ tag, type: 'Boolean', value: value !== AsynchronousIndicator.Prohibited });
  },
};

/** KMIP 1.4 §6 and §7.1: the request header, each field with the versions that have it. */
const requestHeader = structure({
  protocolVersion: required(Tag.ProtocolVersion, protocolVersion),
  maximumResponseSize: optional(Tag.MaximumResponseSize, integer),
  clientCorrelationValue: optional(Tag.ClientCorrelationValue, textString, { since: 104 }),
  serverCorrelationValue: optional(Tag.ServerCorrelationValue, textString, { since: 104 }),
  asynchronousIndicator: optional(Tag.AsynchronousIndicator, asynchronousIndicator),
  attestationCapableIndicator: optional(Tag.AttestationCapableIndicator, boolean, { since: 102 }),
  attestationType: repeated(Tag.AttestationType, enumeration(AttestationType), { since: 102 }),
  authentication: optional(
    Tag.Authentication,
    structure({ credential: repeated(Tag.Credential, credential) }),
  ),
  batchErrorContinuationOption: optional(
    Tag.BatchErrorContinuationOption,
    enumeration(BatchErrorContinuationOption),
  ),
  batchOrderOption: optional(Tag.BatchOrderOption, boolean),
  timeStamp: optional(Tag.TimeStamp, dateTime),
  batchCount: required(Tag.BatchCount, integer),
});

const messageExtension = structure({
  vendorIdentification: required(Tag.VendorIdentification, textString),
  criticalityIndicator: required(Tag.CriticalityIndicator, boolean),
  vendorExtension: required(Tag.VendorExtension, anyItem),
});

const requestBatchItem = structure({
  operation: required(Tag.Operation, operation),
  ephemeral: optional(Tag.Ephemeral, boolean, { since: 200 }),
  uniqueBatchItemID: optional(Tag.UniqueBatchItemID, byteString),
  requestPayload: required(Tag.RequestPayload, anyItem),
  messageExtension: optional(Tag.MessageExtension, messageExtension),
});

export type RequestHeader = Decoded<typeof requestHeader>;
export type RequestBatchItem = Decoded<typeof requestBatchItem>;

export interface RequestMessage {
  readonly header: RequestHeader;
  readonly items: readonly RequestBatchItem[];
}

/** A message that cannot be answered item by item; carries the version to answer in. */
export class MessageError extends KmipError {
  readonly version: ProtocolVersion;

  constructor(reason: ResultReason, message: string, version: ProtocolVersion, cause?: unknown) {
    super(reason, message, { cause });
    this.version = version;
  }
}

const oldest: ProtocolVersion = { major: 1, minor: 0 };

/**
 * Reads a request message (KMIP 1.4 §7.1). Throws MessageError in the words of §11.1; its version
 * is the request's where that could be read, else 1.0.
 */
export function decodeRequest(
  frame: Uint8Array,
  limits: Limits,
  batchItems: number,
): RequestMessage {
  let version = oldest;
  try {
    const root = decode(frame, limits);
    if (root.type !== 'Structure') throw new TtlvError('bad-type', root.tag);
    const [head, ...rest] = root.value;
    version = versionOf(head) ?? oldest;
    if (!isSupported(version)) {
      const spoken = supportedVersions.map((v) => `${v.major}.${v.minor}`).join(', ');
      throw new MessageError(
        ResultReason.InvalidMessage,
        `Protocol version not supported; this server speaks ${spoken}`,
        version,
      );
    }
    if (head?.tag !== Tag.RequestHeader) throw new TtlvError('missing-item', Tag.RequestHeader);
    const number = versionNumber(version);
    const header = requestHeader.read(head, number);
    if (header.batchCount !== rest.length || rest.length === 0 || rest.length > batchItems) {
      throw new MessageError(ResultReason.InvalidMessage, 'Batch Count is not right', version);
    }
    const items = rest.map((item) => {
      if (item.tag !== Tag.BatchItem) throw new TtlvError('unexpected-item', item.tag);
      return requestBatchItem.read(item, number);
    });
    return { header, items };
  } catch (error) {
    if (!(error instanceof TtlvError)) throw error;
    throw new MessageError(
      ResultReason.InvalidMessage,
      'The message could not be read',
      version,
      error,
    );
  }
}

function versionOf(head: Item | undefined): ProtocolVersion | undefined {
  if (head?.type !== 'Structure') return undefined;
  const item = head.value.find((child) => child.tag === Tag.ProtocolVersion);
  return item === undefined ? undefined : protocolVersion.read(item, 0);
}

/** One item of a response (KMIP 1.4 §7.2); its payload is written by the operation's own codec. */
export interface ResponseBatchItem {
  readonly operation?: Operation;
  readonly uniqueBatchItemID?: Uint8Array;
  readonly resultStatus: ResultStatus;
  readonly resultReason?: ResultReason;
  readonly resultMessage?: string;
  readonly asynchronousCorrelationValue?: Uint8Array;
  readonly writePayload?: (writer: Writer, version: number) => void;
}

export interface ResponseMessage {
  readonly version: ProtocolVersion;
  /** Seconds since 1970. */
  readonly timeStamp: number;
  readonly clientCorrelationValue?: string;
  readonly serverCorrelationValue?: string;
  readonly items: readonly ResponseBatchItem[];
}

/** The bytes of a response message, in one pass. */
export function encodeResponse(response: ResponseMessage): Buffer {
  const number = versionNumber(response.version);
  const writer = new Writer();
  writer.structure(Tag.ResponseMessage, () => {
    writer.structure(Tag.ResponseHeader, () => {
      protocolVersion.write(writer, Tag.ProtocolVersion, response.version, number);
      dateTime.write(writer, Tag.TimeStamp, response.timeStamp, number);
      const correlations = [
        [Tag.ClientCorrelationValue, response.clientCorrelationValue],
        [Tag.ServerCorrelationValue, response.serverCorrelationValue],
      ] as const;
      for (const [tag, value] of number >= 104 ? correlations : []) {
        if (value !== undefined) writer.item({ tag, type: 'TextString', value });
      }
      integer.write(writer, Tag.BatchCount, response.items.length, number);
    });
    for (const item of response.items) writeItem(writer, item, number);
  });
  return writer.finish();
}

function writeItem(writer: Writer, item: ResponseBatchItem, version: number): void {
  const enumerated = (tag: number, value: number | undefined): void => {
    if (value !== undefined) writer.item({ tag, type: 'Enumeration', value });
  };
  writer.structure(Tag.BatchItem, () => {
    enumerated(Tag.Operation, item.operation);
    if (item.uniqueBatchItemID !== undefined) {
      const value = item.uniqueBatchItemID;
      writer.item({ tag: Tag.UniqueBatchItemID, type: 'ByteString', value });
    }
    enumerated(Tag.ResultStatus, item.resultStatus);
    enumerated(Tag.ResultReason, item.resultReason);
    if (item.resultMessage !== undefined) {
      writer.item({ tag: Tag.ResultMessage, type: 'TextString', value: item.resultMessage });
    }
    if (item.asynchronousCorrelationValue !== undefined) {
      const value = item.asynchronousCorrelationValue;
      writer.item({ tag: Tag.AsynchronousCorrelationValue, type: 'ByteString', value });
    }
    item.writePayload?.(writer, version);
  });
}
