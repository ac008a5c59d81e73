import { isRecovery } from './restore.ts';
import type { KeeperLog } from './keeper-options.ts';
import { writtenSlot } from './key-ring.ts';
import type { KeyRing } from './key-ring.ts';
import { retiredWith } from './retired-root.ts';
import type { RootToken } from './root-token.ts';
import type { Slot } from './slot.ts';
import {
  isAuthentic,
  readStored,
  slotTablePurpose,
  SlotTableError,
  writeSlotTable,
} from './slot-table.ts';
import type { SlotTable, StoredTable } from './slot-table.ts';
import { codeOf } from './token-state.ts';
import type { TokenSet } from './token-set.ts';
import { WrappingKey } from './wrapping-key.ts';

export interface SlotOpening {
  readonly folder: string;
  readonly ring: KeyRing;
  readonly tokens: TokenSet;
  readonly log: KeeperLog;
}

/** What came of it; `mended`: one copy was damaged or older than the other. */
export type Opening = 'none' | 'opened' | 'mended';

/**
 * Opens the newest slot table that the token opens and its own key made, and mends the other copy.
 * `none` where there is none; throws SlotTableError where none can be trusted, else what the token
 * says.
 */
export async function openSlots({ folder, ring, tokens, log }: SlotOpening): Promise<Opening> {
  const { found, candidates } = readStored(folder);
  if (!found) return 'none';
  let fault: Error | undefined;
  for (const stored of candidates) {
    const wanted = writtenSlot(stored.table);
    const [likely] = wanted === undefined ? [] : tokens.of(wanted);
    if (likely !== undefined) tokens.use(likely);
    const opened = await keysOf(stored.table, tokens).catch((error: unknown) => {
      // A damaged slot does not open, and the other copy may: a token that is away opens neither.
      if (!slotFaults.includes(codeOf(error))) throw error;
      fault ??= error instanceof Error ? error : new Error(String(error));
      return undefined;
    });
    if (opened === undefined) continue;
    const { keys, slots, holders } = opened;
    const written = keys.find((k) => k.generation.toString('hex') === stored.table.written);
    let mended = false;
    const mac = written?.derive(slotTablePurpose);
    if (mac !== undefined && isAuthentic(stored, mac)) {
      // Writes both copies anew where one was damaged or older.
      if (candidates.length < 2 || candidates.some((each) => !isSame(each, stored))) {
        mended = true;
        log('error', 'a copy of the slot table was damaged and is mended');
        writeSlotTable(folder, stored.table, mac);
      }
      ring.adopt(stored.table, keys);
      const holder = holders.get(stored.table.written);
      if (holder !== undefined) tokens.use(holder);
      log('info', 'the wrapping key is open', { generation: stored.table.written });
      // A rotation of the root key that was cut short: whichever key opened first is kept.
      const { slots: all } = stored.table;
      const recovering = all.filter(isRecovery);
      if (slots.length + recovering.length < all.length) {
        const kept = [...slots, ...recovering];
        ring.store({ slots: kept, retired: retiredWith(stored.table, kept) });
      }
      return mended ? 'mended' : 'opened';
    }
    for (const key of keys) key.wipe();
  }
  throw fault ?? new SlotTableError('no copy of the slot table can be trusted');
}

/** A copy whose MAC is whole may still say something else than it. */
function isSame(a: StoredTable, b: StoredTable): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What a token says of a slot that is not one of its own, whole. */
const slotFaults = ['failed', 'key-missing', 'mechanism-missing'];

interface Opened {
  readonly keys: WrappingKey[];
  readonly slots: Slot[];
  /** The token that opened each generation. */
  readonly holders: Map<string, RootToken>;
}

/** The generations, each from the first of its slots that opens. Throws when one has none. */
async function keysOf(table: SlotTable, tokens: TokenSet): Promise<Opened> {
  const opened: Opened = { keys: [], slots: [], holders: new Map() };
  const failures = new Map<string, Error>();
  for (const slot of table.slots) {
    if (isRecovery(slot)) continue;
    for (const token of tokens.of(slot)) {
      if (opened.holders.has(slot.generation)) break;
      await openThrough(token, slot, { opened, failures });
    }
  }
  const [failure] = failures.values();
  if (failure !== undefined) {
    for (const key of opened.keys) key.wipe();
    throw failure;
  }
  return opened;
}

async function openThrough(
  token: RootToken,
  slot: Slot,
  { opened, failures }: { opened: Opened; failures: Map<string, Error> },
): Promise<void> {
  const { generation } = slot;
  try {
    await token.login();
    const bytes = await token.read(slot);
    if (bytes === undefined) return;
    opened.keys.push(new WrappingKey(Buffer.from(generation, 'hex'), bytes));
    opened.slots.push(slot);
    opened.holders.set(generation, token);
    failures.delete(generation);
  } catch (error) {
    // Marked at once: the next slot must not try that PIN again.
    if (codeOf(error) === 'pin-wrong') token.note(error);
    failures.set(generation, error instanceof Error ? error : new Error(String(error)));
  }
}
