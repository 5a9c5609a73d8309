/**
 * The table of the user protocol (cnapp.md): every request once, with its lines and the lines of its 200, and the types
 * of both. Nothing is read or written here: user.ts does that, generically, from these rows.
 */

/** A post as it is listed; `time` in ISO 8601, UTC, with milliseconds. */
export interface Post {
  readonly post_id: string;
  readonly user: string;
  readonly time: string;
  readonly text: string;
}

/** A file as it is listed; `size` in bytes. */
export interface ListedFile {
  readonly name: string;
  readonly size: number;
  readonly time: string;
}

/** The fields of each request, by the names of its row. */
export interface UserRequestFields {
  registration_request: { readonly user: string; readonly password: string };
  login_request: { readonly user: string; readonly password: string };
  logout_request: { readonly token: string };
  send_post_request: { readonly token: string; readonly text: string };
  retrieve_last_10_posts_request: { readonly token: string };
  send_file_begin_request: {
    readonly token: string;
    readonly name: string;
    readonly size: number;
    readonly sha256: string;
  };
  send_file_chunk_request: {
    readonly token: string;
    readonly uploadId: string;
    readonly offset: number;
    /** base64 */
    readonly data: string;
  };
  send_file_end_request: { readonly token: string; readonly uploadId: string };
  get_file_request: {
    readonly token: string;
    readonly name: string;
    readonly offset: number;
    readonly mostBytes: number;
  };
  /** `after` is the name to start after, '' for the first hundred. */
  list_files_request: { readonly token: string; readonly after: string };
}

/** What a 200 answers to each request. */
export interface UserAnswers {
  registration_request: Record<never, never>;
  login_request: { readonly token: string };
  logout_request: Record<never, never>;
  send_post_request: { readonly postId: string };
  retrieve_last_10_posts_request: { readonly posts: readonly Post[] };
  send_file_begin_request: { readonly uploadId: string; readonly offset: number };
  send_file_chunk_request: { readonly nextOffset: number };
  send_file_end_request: { readonly name: string };
  get_file_request: {
    /** base64 */
    readonly data: string;
    readonly nextOffset: number;
    readonly size: number;
    readonly sha256: string;
  };
  list_files_request: { readonly files: readonly ListedFile[] };
}

export type UserRequestName = keyof UserRequestFields;

/** One row: the fields of the request's lines and of a 200's lines in order, or what a 200 lists, one a line. */
export interface UserRequestRow {
  /** Line_1, Line_2 … */
  readonly lines: readonly string[];
  /** Line_3, Line_4 … of a 200 */
  readonly answer: readonly string[];
  /** A 200 lists these instead, one a line from Line_3 on. */
  readonly lists?: 'posts' | 'files';
  /** The first line is a token. */
  readonly needsToken: boolean;
  /** Changes something, so an Operation_id counts; it is ignored (even an unreadable one) where this is false. */
  readonly changes: boolean;
}

/** Every request of the user protocol. */
export const USER_REQUESTS: Readonly<Record<UserRequestName, UserRequestRow>> = {
  registration_request: { lines: ['user', 'password'], answer: [], needsToken: false, changes: true },
  login_request: { lines: ['user', 'password'], answer: ['token'], needsToken: false, changes: false },
  logout_request: { lines: ['token'], answer: [], needsToken: true, changes: true },
  send_post_request: { lines: ['token', 'text'], answer: ['postId'], needsToken: true, changes: true },
  retrieve_last_10_posts_request: { lines: ['token'], answer: [], lists: 'posts', needsToken: true, changes: false },
  send_file_begin_request: {
    lines: ['token', 'name', 'size', 'sha256'],
    answer: ['uploadId', 'offset'],
    needsToken: true,
    changes: true,
  },
  send_file_chunk_request: {
    lines: ['token', 'uploadId', 'offset', 'data'],
    answer: ['nextOffset'],
    needsToken: true,
    changes: true,
  },
  send_file_end_request: { lines: ['token', 'uploadId'], answer: ['name'], needsToken: true, changes: true },
  get_file_request: {
    lines: ['token', 'name', 'offset', 'mostBytes'],
    answer: ['data', 'nextOffset', 'size', 'sha256'],
    needsToken: true,
    changes: false,
  },
  list_files_request: { lines: ['token', 'after'], answer: [], lists: 'files', needsToken: true, changes: false },
};

/** True for the type of a request of this protocol. */
export function isUserRequestName(type: string): type is UserRequestName {
  return Object.hasOwn(USER_REQUESTS, type);
}
