/**
 * Edge 10, files-plug to files-socket: what file-transfer asks file-store. Both sides.
 *
 * The requests have other names than on edge 5 and the same lines (file.ts), so that file-transfer passes them on as
 * they are once it has looked at them: 32 KiB of data are not copied for a new name. The answers are the user's, as
 * cnapp.md's table has them, and are passed on untouched.
 */

import { okRest, okRestOfRaw, fileLine, type ListedFile } from './user.ts';

export {
  decodeSendFileBegin as decodeBeginUpload,
  decodeSendFileChunk as decodeStoreChunk,
  decodeSendFileEnd as decodeEndUpload,
  decodeGetFile as decodeReadFile,
  decodeListFiles as decodeListStored,
} from './file.ts';

export const BEGIN_UPLOAD_REQUEST = 'begin_upload_request';
export const STORE_CHUNK_REQUEST = 'store_chunk_request';
export const END_UPLOAD_REQUEST = 'end_upload_request';
export const READ_FILE_REQUEST = 'read_file_request';
export const LIST_STORED_REQUEST = 'list_stored_request';

/** After a restart file-store has to read all of an upload again (2 GiB) before it knows its SHA-256. */
export const END_UPLOAD_DEADLINE_MS = 60_000;

/** Answer to begin: Line_3 upload id, Line_4 the offset to go on from. */
export function encodeUploadBegun(uploadId: string, offset: number): string {
  return okRest([uploadId, String(offset)]);
}

/** Answer to get: Line_3 data in base64, Line_4 next offset, Line_5 size, Line_6 SHA-256 hex. */
export function encodeFileRead(data: string, nextOffset: number, sizeBytes: number, sha256: string): string {
  return okRestOfRaw([data, String(nextOffset), String(sizeBytes), sha256]);
}

/** Answer to list: Line_3 … one file a line. */
export function encodeFilesListed(files: readonly ListedFile[]): string {
  return okRestOfRaw(files.map(fileLine));
}
