/**
 * What the keystore uses of better-sqlite3: the build with ciphers hides its own declarations
 * behind its `exports` (13.0.3).
 */
declare module 'better-sqlite3' {
  type Binding = string | number | bigint | Buffer | Uint8Array | null;

  interface Statement {
    run(...bindings: readonly Binding[]): { changes: number; lastInsertRowid: number | bigint };
    get(...bindings: readonly Binding[]): unknown;
    all(...bindings: readonly Binding[]): unknown[];
    iterate(...bindings: readonly Binding[]): IterableIterator<unknown>;
    pluck(): this;
  }

  class Database {
    constructor(path: string);
    readonly inTransaction: boolean;
    readonly open: boolean;
    prepare(sql: string): Statement;
    exec(sql: string): this;
    pragma(source: string, options?: { simple?: boolean }): unknown;
    key(key: Buffer): number;
    transaction<T>(act: () => T): { (): T; immediate(): T };
    close(): this;
  }

  export default Database;
}
