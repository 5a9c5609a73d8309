/**
 * The tables of a store in memory: applying a commit, and taking it back. No file, no promise: both drivers use it.
 */

import type { Change, Row } from './store.ts';

/** What stood where before a commit, newest last; for `undo`. */
export type Undo = readonly { readonly table: string; readonly key: string; readonly before: Row | undefined }[];

export class TableSet {
  readonly #tables = new Map<string, Map<string, Row>>();

  table(name: string): Map<string, Row> {
    let table = this.#tables.get(name);
    if (table === undefined) this.#tables.set(name, (table = new Map()));
    return table;
  }

  apply(changes: readonly Change[]): Undo {
    const undo: { table: string; key: string; before: Row | undefined }[] = [];
    for (const change of changes) {
      const table = this.table(change.table);
      const key = 'put' in change ? change.put.key : change.remove;
      undo.push({ table: change.table, key, before: table.get(key) });
      if ('put' in change) table.set(key, change.put);
      else table.delete(key);
    }
    return undo;
  }

  /** Takes a commit back. Later commits have to be taken back first. A removed row comes back at the end. */
  undo(undo: Undo): void {
    for (let at = undo.length - 1; at >= 0; at -= 1) {
      const { table, key, before } = undo[at]!;
      if (before === undefined) this.table(table).delete(key);
      else this.table(table).set(key, before);
    }
  }

  /** All rows as they are now: rows are never changed in place, so the lists are all that is copied. */
  copy(): Record<string, Row[]> {
    const copy: Record<string, Row[]> = Object.create(null) as Record<string, Row[]>;
    for (const [name, table] of this.#tables) copy[name] = [...table.values()];
    return copy;
  }

  load(tables: Readonly<Record<string, readonly Row[]>>): void {
    for (const name of Object.keys(tables)) {
      const table = this.table(name);
      for (const row of tables[name]!) table.set(row.key, row);
    }
  }
}
