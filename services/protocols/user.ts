/**
 * The string protocol between a user's client and the gateway (cnapp.md): both sides' reading and writing. The table of
 * requests is in user-table.ts, limits and checks are in user-rules.ts, and both are exported from here too: import
 * from this file. Pure: no socket, no store, no token check, no retry.
 *
 * Theory. A request's fields are its lines `Line_1`, `Line_2` … in the order of the row, an answer's are `Line_3`,
 * `Line_4` … behind `Status`; a list is one line an entry, its parts joined by `, `. Reading has two steps, so that a
 * gateway can look at the token in between: `parseUserRequest` says whether the lines are there and can be decoded
 * (400), `checkUserRequest` whether the values are within the limits (400, 413).
 */
import type { LineMessage } from './line.ts';
import { decodePart, encodePart, fieldsOf, joinParts, restOf, splitParts } from './line.ts';
import type { UserProblem, UserStatus } from './user-rules.ts';
import * as rules from './user-rules.ts';
import type {
  ListedFile,
  Post,
  UserAnswers,
  UserRequestFields,
  UserRequestName,
  UserRequestRow,
} from './user-table.ts';
import { USER_REQUESTS, isUserRequestName } from './user-table.ts';

export * from './user-rules.ts';
export * from './user-table.ts';

/** Fields that are whole numbers (a number in TypeScript, decimal digits on the wire). All others are text. */
const COUNTS: ReadonlySet<string> = new Set(['size', 'offset', 'mostBytes', 'nextOffset']);
/** The one long field is base64, which needs no encoding: looking through it would cost more than all the rest. */
const DATA = 'data';
/** Fields whose line may be missing, which reads as empty. */
const MAY_BE_MISSING: ReadonlySet<string> = new Set(['after']);
/** The first line of an answer behind Status. */
const FIRST_ANSWER_LINE = 3;

/** A request that could be read: `name` tells which, `fields` are decoded, not yet checked against the limits. */
export type ParsedUserRequest = {
  [N in UserRequestName]: {
    readonly name: N;
    readonly id: number;
    /** null when there was none, and always on requests that change nothing. */
    readonly operationId: string | null;
    readonly fields: UserRequestFields[N];
  };
}[UserRequestName];

/** An answer as the client reads it: `ok` tells which of the two. */
export type UserAnswer<N extends UserRequestName> =
  ({ readonly ok: true; readonly status: 200 } & UserAnswers[N]) | UserFailure;
/** A status that is not 200; `message` is the sentence for people, `data` line 4 or null. */
export interface UserFailure {
  readonly ok: false;
  readonly status: number;
  readonly message: string;
  readonly data: string | null;
}

/**
 * Client side: the rest of a request, for formatLine(name, id, rest). `operationId` '' sends none. `data` is sent as it
 * is, so it must be base64.
 */
export function userRequest<N extends UserRequestName>(
  name: N,
  fields: UserRequestFields[N],
  operationId = '',
): string {
  const values = fields as Readonly<Record<string, string | number>>;
  let rest = operationId === '' ? '' : restOf([['Operation_id', operationId]]);
  USER_REQUESTS[name].lines.forEach((field, at) => {
    const value = String(values[field]);
    rest += ` ~ Line_${at + 1}: ${field === DATA ? value : encodePart(value)}`;
  });
  return rest;
}

/** Gateway side: reads a request's lines, or says why not (400). Lines the request does not know are ignored. */
export function parseUserRequest(message: LineMessage): ParsedUserRequest | UserProblem {
  const name = message.type;
  if (!isUserRequestName(name)) {
    const known = Object.keys(USER_REQUESTS).join(', ');
    return rules.problem(400, `unknown Type ${rules.shown(name)}; the requests are ${known}`);
  }
  const raw = fieldsOf(message.rest);
  if (typeof raw === 'string') return rules.problem(400, `${name}: ${raw}`);
  const row = USER_REQUESTS[name];
  const fields: Record<string, string | number> = {};
  for (const [at, field] of row.lines.entries()) {
    const line = `Line_${at + 1}`;
    const contents = raw.get(line) ?? (MAY_BE_MISSING.has(field) ? '' : undefined);
    if (contents === undefined) {
      return rules.problem(400, `${name}: ${line} (${field}) is missing; its lines are ${linesOf(row)}`);
    }
    const value = readField(field, contents);
    if (value === null) return rules.problem(400, `${name}: ${line} (${field}) ${expected(field)}`);
    fields[field] = value;
  }
  let operationId: string | null = null;
  const rawOperationId = raw.get('Operation_id');
  if (row.changes && rawOperationId !== undefined) {
    operationId = decodePart(rawOperationId) ?? '';
    const wrong = rules.checkOperationId(operationId);
    if (wrong !== null) return wrong;
  }
  return { name, id: message.id, operationId, fields } as unknown as ParsedUserRequest;
}

/** True for what parseUserRequest could not read. */
export function isUserProblem(parsed: ParsedUserRequest | UserProblem): parsed is UserProblem {
  return 'status' in parsed;
}

/** Gateway side: the limits of every field; null when all is fine. The token's truth is not checked here. */
export function checkUserRequest(request: ParsedUserRequest): UserProblem | null {
  switch (request.name) {
    case 'registration_request':
      return rules.checkUserName(request.fields.user) ?? rules.checkPassword(request.fields.password);
    case 'login_request':
      return null; // one text for unknown user and wrong password: what cannot be a name or a password is simply 401
    case 'logout_request':
    case 'retrieve_last_10_posts_request':
      return null;
    case 'send_post_request':
      return rules.checkPostText(request.fields.text);
    case 'send_file_begin_request':
      return (
        rules.checkFileName(request.fields.name) ??
        rules.checkFileSize(request.fields.size) ??
        rules.checkSha256(request.fields.sha256)
      );
    case 'send_file_chunk_request':
      return rules.checkUploadId(request.fields.uploadId) ?? rules.checkChunkData(request.fields.data);
    case 'send_file_end_request':
      return rules.checkUploadId(request.fields.uploadId);
    case 'get_file_request':
      return rules.checkFileName(request.fields.name);
    case 'list_files_request':
      return request.fields.after === '' ? null : rules.checkFileName(request.fields.after);
  }
}

/** Gateway side: the rest of a 200 with these texts (decoded; encoded here) as Line_3, Line_4 … */
export function okRest(lines: readonly string[] = []): string {
  return okRestOfRaw(lines.map(encodePart));
}

/** As okRest, for contents that are encoded already (a list's entries: postLine, fileLine). */
export function okRestOfRaw(contents: readonly string[]): string {
  let rest = ' ~ Status: 200';
  contents.forEach((content, at) => (rest += ` ~ Line_${FIRST_ANSWER_LINE + at}: ${content}`));
  return rest;
}

/** Gateway side: the rest of an error. `sentence` says what is wrong and where; `data` is for programs (line 4). */
export function errorRest(status: UserStatus, sentence: string, data?: string | number): string {
  const rest = ` ~ Status: ${status} ~ Line_3: ${encodePart(sentence)}`;
  return data === undefined ? rest : `${rest} ~ Line_4: ${encodePart(String(data))}`;
}

/** Gateway side: the rest of an error from a check. */
export function problemRest(wrong: UserProblem): string {
  return errorRest(wrong.status, wrong.sentence, wrong.data);
}

/** Gateway side: the rest of a 200 from a typed answer. `data` is sent as it is, so it must be base64. */
export function answerRest<N extends UserRequestName>(name: N, answer: UserAnswers[N]): string {
  const row = USER_REQUESTS[name];
  const values = answer as Readonly<Record<string, unknown>>;
  if (row.lists === 'posts') return okRestOfRaw((values['posts'] as readonly Post[]).map(postLine));
  if (row.lists === 'files') return okRestOfRaw((values['files'] as readonly ListedFile[]).map(fileLine));
  const texts = row.answer.map((field) => String(values[field]));
  return okRestOfRaw(texts.map((text, at) => (row.answer[at] === DATA ? text : encodePart(text))));
}

/** One post as the contents of a line: `post id, user, time, text`. */
export function postLine(post: Post): string {
  return joinParts([post.post_id, post.user, post.time, post.text]);
}

/** One file as the contents of a line: `name, size, time`. */
export function fileLine(file: ListedFile): string {
  return joinParts([file.name, String(file.size), file.time]);
}

/** Client side: reads the answer to `name`, or says (a sentence) why it is none. */
export function parseUserAnswer<N extends UserRequestName>(name: N, message: LineMessage): UserAnswer<N> | string {
  const wanted = name.slice(0, -'request'.length) + 'response';
  if (message.type !== wanted && message.type !== 'error_response') {
    return `expected ${wanted}, the gateway sent ${rules.shown(message.type)}`;
  }
  const raw = fieldsOf(message.rest);
  if (typeof raw === 'string') return `${wanted}: ${raw}`;
  const statusText = raw.get('Status') ?? '';
  if (!/^[1-5][0-9]{2}$/.test(statusText)) return `${wanted}: expected a Status, found ${rules.shown(statusText)}`;
  if (statusText !== '200' || message.type === 'error_response') {
    const text = decodePart(raw.get('Line_3') ?? '');
    const data = decodePart(raw.get('Line_4') ?? '');
    const known = (rules.USER_STATUSES as Readonly<Record<string, string>>)[statusText];
    return { ok: false, status: Number(statusText), message: text || (known ?? 'no reason given'), data: data || null };
  }
  const fields = readAnswer(USER_REQUESTS[name], raw);
  return typeof fields === 'string' ? `${wanted}: ${fields}` : ({ ok: true, status: 200, ...fields } as UserAnswer<N>);
}

function readAnswer(row: UserRequestRow, raw: ReadonlyMap<string, string>): Record<string, unknown> | string {
  if (row.lists !== undefined) return readList(row.lists, raw);
  const fields: Record<string, unknown> = {};
  for (const [at, field] of row.answer.entries()) {
    const line = `Line_${FIRST_ANSWER_LINE + at}`;
    const contents = raw.get(line);
    if (contents === undefined) return `${line} (${field}) is missing`;
    const value = readField(field, contents);
    if (value === null) return `${line} (${field}) ${expected(field)}`;
    fields[field] = value;
  }
  return fields;
}

function readList(lists: 'posts' | 'files', raw: ReadonlyMap<string, string>): Record<string, unknown> | string {
  const entries: (Post | ListedFile)[] = [];
  for (let number = FIRST_ANSWER_LINE; ; number += 1) {
    const contents = raw.get(`Line_${number}`);
    if (contents === undefined) return { [lists]: entries };
    const entry = lists === 'posts' ? readPost(contents) : readFile(contents);
    if (entry === null) return `Line_${number} is not one of the ${lists}`;
    entries.push(entry);
  }
}

function readPost(contents: string): Post | null {
  const parts = splitParts(contents);
  if (parts === null || parts.length !== 4) return null;
  const [post_id, user, time, text] = parts as [string, string, string, string];
  return { post_id, user, time, text };
}

function readFile(contents: string): ListedFile | null {
  const parts = splitParts(contents);
  if (parts === null || parts.length !== 3) return null;
  const [name, sizeText, time] = parts as [string, string, string];
  const size = rules.readCount(sizeText);
  return size === null ? null : { name, size, time };
}

function readField(field: string, contents: string): string | number | null {
  if (field === DATA && !contents.includes('%')) return contents; // whether it is base64, checkChunkData says
  const text = decodePart(contents);
  return text !== null && COUNTS.has(field) ? rules.readCount(text) : text;
}

function expected(field: string): string {
  if (COUNTS.has(field)) return 'must be a whole number from 0 to 2^53-1';
  return 'is not percent-encoded 7-bit ASCII: encode %, ~, comma, controls, spaces at either end and all above 0x7E as UTF-8';
}

function linesOf(row: UserRequestRow): string {
  return row.lines.map((field, at) => `Line_${at + 1} ${field}`).join(', ');
}
