/**
 * The laws of files: what a user sent is what that user gets and lists.
 *
 * Lives here: uploads, downloads and lists of one user and name against each other. Does not live here: posts.
 *
 * Theory. A name of a user is a register: an upload writes it, a download reads it. A download must have the bytes of an
 * upload that may be the last one: not refused, begun before the download ended, and with no acknowledged upload wholly
 * between the two. It may find nothing only when no upload was acknowledged before it began.
 */
import { violation } from './history.ts';
import type { DownloadOperation, History, ListOperation, UploadOperation, Violation } from './history.ts';

/** The first violation found, or null. */
export function checkFiles({ operations }: History): Violation | null {
  /** By user, then by name. */
  const sent = new Map<string, Map<string, UploadOperation[]>>();
  for (const operation of operations)
    if (operation.kind === 'upload') {
      const files = orNew(sent, operation.user, () => new Map<string, UploadOperation[]>());
      orNew(files, operation.file, () => []).push(operation);
    }
  for (const operation of operations) {
    let wrong: Violation | null = null;
    if (operation.kind === 'download')
      wrong = checkDownload(operation, sent.get(operation.user)?.get(operation.file) ?? []);
    if (operation.kind === 'list') wrong = checkList(operation, sent.get(operation.user) ?? new Map());
    if (wrong !== null) return wrong;
  }
  return null;
}

function checkDownload(download: DownloadOperation, uploads: readonly UploadOperation[]): Violation | null {
  const { found, file, invokeMs } = download;
  if (found === null) return null;
  if (found === 'none') {
    const sent = uploads.find(({ outcome, endMs }) => outcome === 'ok' && endMs < invokeMs);
    return sent === undefined
      ? null
      : violation('file-is-there', `${file} was acknowledged and is not there`, sent, download);
  }
  const equal = uploads.filter(({ sha256, size }) => sha256 === found.sha256 && size === found.size);
  const possible = equal.filter((upload) => mayBeLast(upload, uploads, download));
  if (possible.length > 0) return null;
  const [old] = equal;
  if (old === undefined)
    return violation('file-is-equal', `${file} has other bytes than any that were sent`, ...uploads, download);
  if (old.outcome === 'fail')
    return violation('file-failed', `${file} has the bytes of an upload that was refused`, old, download);
  return violation(
    'file-is-new',
    `${file} has the bytes of an upload that another one had replaced`,
    ...uploads,
    download,
  );
}

function mayBeLast(
  upload: UploadOperation,
  all: readonly UploadOperation[],
  { invokeMs, endMs }: DownloadOperation | ListOperation,
): boolean {
  if (upload.outcome === 'fail' || upload.invokeMs > endMs) return false;
  if (upload.outcome === 'unknown') return true;
  return !all.some(
    (other) => other.outcome === 'ok' && other.invokeMs > upload.endMs && other.endMs < invokeMs && other !== upload,
  );
}

function checkList(list: ListOperation, sent: ReadonlyMap<string, readonly UploadOperation[]>): Violation | null {
  if (list.files === null) return null;
  const listed = new Map(list.files.map(({ name, size }) => [name, size]));
  if (listed.size < list.files.length) return violation('listed-once', 'a list has a file twice', list);
  for (const [file, uploads] of sent) {
    const size = listed.get(file);
    if (size === undefined) {
      const there = uploads.find(({ outcome, endMs }) => outcome === 'ok' && endMs < list.invokeMs);
      if (there !== undefined)
        return violation('file-is-listed', `${file} was acknowledged and is not in the list`, there, list);
    } else if (!uploads.some((upload) => upload.size === size && mayBeLast(upload, uploads, list)))
      return violation('listed-size', `${file} is listed with ${size} bytes`, ...uploads, list);
  }
  return null;
}

function orNew<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
