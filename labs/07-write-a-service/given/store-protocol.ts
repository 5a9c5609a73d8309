/**
 * store-plug to store-socket: what a service asks likes-db, a store of texts by key. Both sides.
 *
 *     read_request    Keys                a value and its version for each, seen at one moment; version 0: not there
 *     commit_request  Put_1, Put_2 …      all or none, on disk when it is answered: 200
 *                                         409 when a key has another version than the put says; nothing was changed
 *
 * Every put gives its key the next version. A put whose version is `any` does not look.
 */
import type { Answer } from '../../../services/protocols/answer.ts';
import { FieldsReader } from '../../../services/protocols/fields.ts';
import { fieldsOf, joinParts, splitParts } from '../../../services/protocols/line.ts';
import { okRestOfRaw } from '../../../services/protocols/user.ts';

export const READ_REQUEST = 'read_request';
export const COMMIT_REQUEST = 'commit_request';

export interface Entry {
  readonly value: string;
  /** 0: the key is not there; value is ''. */
  readonly version: number;
}

export interface Put {
  readonly key: string;
  readonly value: string;
  /** The version that the key must have: 0 when it must not be there. */
  readonly version: number | 'any';
}

export function encodeRead(keys: readonly string[]): string {
  return ` ~ Keys: ${joinParts(keys)}`;
}

/** The keys, or a sentence that says why they cannot be read. */
export function decodeRead(rest: string): readonly string[] | string {
  const fields = new FieldsReader(rest);
  const keys = splitParts(fields.raw('Keys'));
  return fields.problem ?? keys ?? 'the contents of Keys cannot be read';
}

/** The answer to a read_request, in the order of its keys. */
export function encodeEntries(entries: readonly Entry[]): string {
  return okRestOfRaw(entries.map(({ version, value }) => joinParts([String(version), value])));
}

/** What readAnswer made of an answer with status 200. */
export function decodeEntries({ lines }: Answer): Entry[] {
  return lines.map((line) => {
    const [version = '0', value = ''] = splitParts(line) ?? [];
    return { version: Number(version), value };
  });
}

export function encodeCommit(puts: readonly Put[]): string {
  return puts
    .map(({ key, value, version }, at) => ` ~ Put_${at + 1}: ${joinParts([key, value, String(version)])}`)
    .join('');
}

/** The puts, or a sentence that says why they cannot be read. */
export function decodeCommit(rest: string): readonly Put[] | string {
  const fields = fieldsOf(rest);
  if (typeof fields === 'string') return fields;
  const puts: Put[] = [];
  for (const [name, contents] of fields) {
    const [key, value, version] = splitParts(contents) ?? [];
    if (!name.startsWith('Put_') || key === undefined || value === undefined || !/^(any|\d{1,15})$/.test(version ?? ''))
      return `expected 'Put_1: key, value, version', found the line ${name}`;
    puts.push({ key, value, version: version === 'any' ? version : Number(version) });
  }
  return puts.length > 0 ? puts : 'a commit has at least one put';
}
