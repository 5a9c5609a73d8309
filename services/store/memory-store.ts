/**
 * The driver for tests: nothing is written, a commit is done in the next microtask. It keeps the same contract as
 * lowdb-store.ts but for what a disk adds.
 */

import { StoreError, type Change, type Row, type Store } from './store.ts';
import { TableSet } from './tables.ts';

export function openMemoryStore(): Store {
  const tables = new TableSet();
  let closed = false;
  return {
    table<R extends Row>(name: string): ReadonlyMap<string, R> {
      return tables.table(name) as ReadonlyMap<string, Row> as ReadonlyMap<string, R>;
    },
    commit(changes: readonly Change[]): Promise<void> {
      if (closed) return Promise.reject(new StoreError('closed', 'The store is closed.'));
      tables.apply(JSON.parse(JSON.stringify(changes)) as Change[]); // as a row would be read back
      return Promise.resolve();
    },
    settled: () => null,
    checkOwner: () => {},
    close(): Promise<void> {
      closed = true;
      return Promise.resolve();
    },
  };
}
