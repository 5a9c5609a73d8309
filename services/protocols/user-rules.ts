/**
 * The limits of the user protocol (cnapp.md, "Limits") and a check for each value a user may send. Pure; no socket, no
 * store, no protocol message. user.ts exports all of it again: import from there.
 *
 * Theory. A limit is checked at the edge (the gateway) and, where a wrong value would do harm, again where the data
 * lives. Every check answers null when the value is fine, else a UserProblem: the status, and a sentence for people
 * that says what was sent and what was expected. Sentences never repeat a password or a token, and quote other input
 * in short 7-bit ASCII only.
 */

/** Status and sentence of an answer that is not 200. `data` is for programs (line 4): milliseconds, an offset. */
export interface UserProblem {
  readonly status: UserStatus;
  readonly sentence: string;
  readonly data?: string;
}

/** Every status of the user protocol and what it means. */
export const USER_STATUSES = {
  200: 'done',
  400: 'unreadable or beyond a limit',
  401: 'no or a wrong password or token',
  404: 'not found',
  409: 'user name taken, wrong offset, or an operation id used for something else',
  413: 'too large',
  422: 'the SHA-256 does not match',
  429: 'too many attempts',
  500: 'failed',
  503: 'try again, line 4 says in how many milliseconds',
  504: 'no answer in time',
} as const;
export type UserStatus = keyof typeof USER_STATUSES;

/** Longest request line, LF included. */
export const REQUEST_BYTES_MAX = 64 * 1024;
/** Longest response line, LF included. */
export const RESPONSE_BYTES_MAX = 256 * 1024;
export const USER_NAME_CHARS_MIN = 3;
export const USER_NAME_CHARS_MAX = 32;
/** Characters are Unicode code points: an emoji counts once. */
export const PASSWORD_CHARS_MIN = 8;
export const PASSWORD_CHARS_MAX = 128;
export const POST_BYTES_MAX = 4096;
export const LAST_POSTS_MAX = 10;
export const FILE_NAME_BYTES_MAX = 255;
export const FILE_BYTES_MAX = 2 * 1024 * 1024 * 1024;
/** One send_file_chunk, before base64. */
export const CHUNK_BYTES_MAX = 32 * 1024;
/** Most data of one get_file answer, before base64; who asks for more gets this much. */
export const ANSWER_BYTES_MAX = 128 * 1024;
export const LISTED_FILES_MAX = 100;
export const OPERATION_ID_CHARS_MIN = 8;
export const OPERATION_ID_CHARS_MAX = 64;
export const OPERATION_KEPT_MS = 24 * 3600 * 1000;
/** Longest token and upload id a gateway reads; what we make is far shorter. */
export const TOKEN_CHARS_MAX = 1024;
export const UPLOAD_ID_CHARS_MAX = 128;
/** So many failed logins for one name within the window, then 429. */
export const LOGIN_FAILURES_MAX = 10;
export const LOGIN_WINDOW_MS = 60_000;
export const TOKEN_LIFE_MS = 12 * 3600 * 1000;
/** The gateway closes a connection with half a line for so long, or silent for so long. */
export const HALF_LINE_MS = 30_000;
export const SILENCE_MS = 10 * 60_000;

/** A user name: 3 to 32 of `[A-Za-z0-9_.-]`; 400 else. */
export function checkUserName(user: string): UserProblem | null {
  if (/^[A-Za-z0-9_.-]{3,32}$/.test(user)) return null;
  return problem(400, `the user name must be 3 to 32 characters of A-Z a-z 0-9 _ . -, not ${shown(user)}`);
}

/** User names are compared without case: the key to store and to compare with. */
export function userKey(user: string): string {
  return user.toLowerCase();
}

/** A new password: 8 to 128 characters, any; 400 else. At login check passwordFits instead and answer 401. */
export function checkPassword(password: string): UserProblem | null {
  const length = codePoints(password);
  if (length >= PASSWORD_CHARS_MIN && length <= PASSWORD_CHARS_MAX) return null;
  return problem(400, `the password must be 8 to 128 characters long, not ${length}`);
}

/** A post: 1 to 4,096 bytes of UTF-8; 400 when empty, 413 when longer. */
export function checkPostText(text: string): UserProblem | null {
  const bytes = utf8Bytes(text);
  if (bytes === 0) return problem(400, 'the post is empty; it must hold 1 to 4096 bytes');
  if (bytes > POST_BYTES_MAX) return problem(413, `the post is ${bytes} bytes of UTF-8 long; at most 4096 fit`);
  return null;
}

/** A file name: 1 to 255 bytes of UTF-8, no `/`, `\` or control character, not `.` or `..`; 400 else. */
export function checkFileName(name: string): UserProblem | null {
  const bytes = utf8Bytes(name);
  if (bytes === 0) return problem(400, 'the file name is empty; it must hold 1 to 255 bytes');
  if (bytes > FILE_NAME_BYTES_MAX)
    return problem(400, `the file name is ${bytes} bytes of UTF-8 long; at most 255 fit`);
  if (name === '.' || name === '..') return problem(400, `the file name must not be '${name}'`);
  if (/[/\\]/.test(name)) return problem(400, `the file name must not hold / or \\: ${shown(name)}`);
  if (/\p{Cc}/u.test(name)) return problem(400, `the file name must not hold a control character: ${shown(name)}`);
  return null;
}

/** The size of a file in bytes: 0 to 2 GiB; 413 beyond. */
export function checkFileSize(size: number): UserProblem | null {
  if (!isCount(size)) return problem(400, 'the size must be a whole number of bytes');
  if (size > FILE_BYTES_MAX)
    return problem(413, `the file is ${size} bytes long; at most ${FILE_BYTES_MAX} (2 GiB) fit`);
  return null;
}

/** A SHA-256 as 64 hexadecimal digits, in either case (keep it in lower case); 400 else. */
export function checkSha256(sha256: string): UserProblem | null {
  if (/^[0-9A-Fa-f]{64}$/.test(sha256)) return null;
  return problem(400, `the SHA-256 must be 64 hexadecimal digits, not ${shown(sha256)}`);
}

/** An operation id: 8 to 64 of `[A-Za-z0-9-]`; 400 else. Not to be checked on login and reads, which ignore it. */
export function checkOperationId(operationId: string): UserProblem | null {
  if (/^[A-Za-z0-9-]{8,64}$/.test(operationId)) return null;
  return problem(400, `the Operation_id must be 8 to 64 characters of A-Z a-z 0-9 -, not ${shown(operationId)}`);
}

/** The data of a chunk: canonical base64 of at most 32 KiB; 400 or 413 else. */
export function checkChunkData(data: string): UserProblem | null {
  const bytes = base64Bytes(data);
  if (bytes === null) return problem(400, `the data of the chunk must be base64 (A-Z a-z 0-9 + / and = at its end)`);
  if (bytes > CHUNK_BYTES_MAX) return problem(413, `the chunk is ${bytes} bytes long; at most ${CHUNK_BYTES_MAX} fit`);
  return null;
}

/** An upload id as the gateway may pass it on; what cannot be one is not found: 404. */
export function checkUploadId(uploadId: string): UserProblem | null {
  if (/^[\x21-\x7e]{1,128}$/.test(uploadId)) return null;
  return problem(404, `there is no upload ${shown(uploadId)}; send_file_begin_request gives an upload id`);
}

/** How many bytes a base64 text holds, or null when it is none: wrong alphabet, length, padding or stray bits. */
export function base64Bytes(data: string): number | null {
  if (data.length % 4 !== 0) return null;
  const match = /^[A-Za-z0-9+/]*(={0,2})$/.exec(data);
  if (match === null) return null;
  const padding = (match[1] as string).length;
  if (padding === 2 && !/[AQgw]==$/.test(data)) return null;
  if (padding === 1 && !/[AEIMQUYcgkosw048]=$/.test(data)) return null;
  return (data.length / 4) * 3 - padding;
}

/** The bytes of a text in UTF-8, without making them. Half a surrogate pair counts 3, as U+FFFD does. */
export function utf8Bytes(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit <= 0xdbff && isLowSurrogate(text.charCodeAt(at + 1))) {
      bytes += 4;
      at += 1;
    } else bytes += 3;
  }
  return bytes;
}

/** A whole number from 0 to 2^53-1, written without sign and leading zeros; null else. */
export function readCount(text: string): number | null {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return null;
  const count = Number(text);
  return isCount(count) ? count : null;
}

/** The start of what somebody sent, in quotes and 7-bit ASCII, to stand in a sentence. */
export function shown(text: string): string {
  const short = text.length > 40 ? text.slice(0, 40) + '...' : text;
  return `'${short.replace(/[^\x20-\x7e]/g, '?')}'`;
}

/** A UserProblem, for checks written elsewhere. */
export function problem(status: UserStatus, sentence: string, data?: string): UserProblem {
  return data === undefined ? { status, sentence } : { status, sentence, data };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
