/**
 * What users did and what they were told: the record that the checker reads.
 *
 * Lives here: the shape of a history. Does not live here: making one (load/shell), judging one (checker.ts).
 *
 * Times are milliseconds of one clock that never goes back, the load generator's. An operation takes effect somewhere
 * between `invokeMs` and `endMs`; of two that overlap nobody can say from outside which came first.
 */

/**
 * ok: answered 200. fail: refused for good (4xx), so it surely did not happen. unknown: everything else; it may have
 * happened, or may still happen.
 */
export type Outcome = 'ok' | 'fail' | 'unknown';

interface Common {
  /** Place in the history, from 1. */
  readonly id: number;
  readonly user: string;
  readonly invokeMs: number;
  /** When the last answer came; for `unknown` when it was given up. */
  readonly endMs: number;
  readonly outcome: Outcome;
}

/** A post; its text is unique in the history and starts with the history's prefix. */
export interface PostOperation extends Common {
  readonly kind: 'post';
  readonly text: string;
  /** As acknowledged; null unless ok. */
  readonly postId: string | null;
}

export interface SeenPost {
  readonly postId: string;
  readonly user: string;
  readonly time: string;
  readonly text: string;
}

export interface ReadOperation extends Common {
  readonly kind: 'read';
  /** In the order of the answer; null unless ok. */
  readonly posts: readonly SeenPost[] | null;
}

/** A whole upload: begin, chunks, end. */
export interface UploadOperation extends Common {
  readonly kind: 'upload';
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
}

/** A whole download of one's own file. */
export interface DownloadOperation extends Common {
  readonly kind: 'download';
  readonly file: string;
  /** Of the bytes that came; 'none' for a 404; null when the download did not end. */
  readonly found: { readonly size: number; readonly sha256: string } | 'none' | null;
}

/** A whole list of one's own files, page after page. */
export interface ListOperation extends Common {
  readonly kind: 'list';
  readonly files: readonly { readonly name: string; readonly size: number }[] | null;
}

export type Operation = PostOperation | ReadOperation | UploadOperation | DownloadOperation | ListOperation;

export interface History {
  /** Texts of this run's posts, and of no others, start with this. */
  readonly prefix: string;
  readonly operations: readonly Operation[];
}

/** The first thing found that must not be. */
export interface Violation {
  /** Its name, for programs. */
  readonly law: string;
  /** What is wrong, for people. */
  readonly sentence: string;
  /** The operations that show it, by time. */
  readonly operations: readonly Operation[];
}

/** A violation with its operations by time. */
export function violation(law: string, sentence: string, ...operations: Operation[]): Violation {
  return { law, sentence, operations: operations.sort((a, b) => a.invokeMs - b.invokeMs) };
}

/** One operation in a line, for people. */
export function operationText(operation: Operation): string {
  const { id, user, invokeMs, endMs, outcome } = operation;
  const when = `${Math.round(invokeMs)} to ${Math.round(endMs)} ms`;
  return `#${id} ${user}, ${when}: ${didText(operation)} → ${outcome}${gotText(operation)}`;
}

/** A violation in a few lines, for people. */
export function violationText({ law, sentence, operations }: Violation): string {
  return [`${law}: ${sentence}`, ...operations.map((operation) => `  ${operationText(operation)}`)].join('\n');
}

function didText(operation: Operation): string {
  switch (operation.kind) {
    case 'post':
      return `post '${operation.text}'`;
    case 'read':
      return 'read the last ten';
    case 'upload':
      return `upload ${operation.file}, ${operation.size} bytes, SHA-256 ${operation.sha256.slice(0, 12)}…`;
    case 'download':
      return `download ${operation.file}`;
    case 'list':
      return 'list the files';
  }
}

function gotText(operation: Operation): string {
  switch (operation.kind) {
    case 'post':
      return operation.postId === null ? '' : `, id ${operation.postId}`;
    case 'read':
      return operation.posts === null ? '' : `, ids ${operation.posts.map(({ postId }) => postId).join(' ')}`;
    case 'upload':
      return '';
    case 'download': {
      const { found } = operation;
      if (found === null || found === 'none') return found === null ? '' : ', no such file';
      return `, ${found.size} bytes, SHA-256 ${found.sha256.slice(0, 12)}…`;
    }
    case 'list':
      return operation.files === null ? '' : `, ${operation.files.length} files`;
  }
}
