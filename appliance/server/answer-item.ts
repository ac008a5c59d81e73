import { ResultStatus } from '../kmip/enumeration.ts';
import type { RequestBatchItem, ResponseBatchItem } from '../kmip/message.ts';
import type { WritePayload } from '../operation/operation.ts';

/** The operation is under way; its answer is fetched by Poll. */
export function pendingItem(item: RequestBatchItem, correlation: Uint8Array): ResponseBatchItem {
  return {
    operation: item.operation,
    ...idOf(item),
    resultStatus: ResultStatus.OperationPending,
    asynchronousCorrelationValue: correlation,
  };
}

/** An item's own identifier, where it has one. */
export function idOf({ uniqueBatchItemID }: RequestBatchItem): { uniqueBatchItemID?: Uint8Array } {
  return uniqueBatchItemID === undefined ? {} : { uniqueBatchItemID };
}

/** The operation was performed. */
export function succeeded(
  item: RequestBatchItem,
  writePayload: WritePayload | undefined,
): ResponseBatchItem {
  return {
    operation: item.operation,
    ...idOf(item),
    resultStatus: ResultStatus.Success,
    ...(writePayload === undefined ? {} : { writePayload }),
  };
}

/** It was performed, and rolled back with its batch. */
export function undone(item: RequestBatchItem): ResponseBatchItem {
  return {
    operation: item.operation,
    ...idOf(item),
    resultStatus: ResultStatus.OperationUndone,
  };
}
