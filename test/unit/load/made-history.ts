// Histories made up by a perfect social network, for tests. What may not be here: any expectation.
//
// Each operation takes effect at one moment between its invoke and its end; what it answers is what is there then.
import fc from 'fast-check';
import type { History, Operation, Outcome, SeenPost } from '../../../load/core/history.ts';

export const PREFIX = 'load x ';

/** One wish: who, what, how long after that user's last, and how long it takes, when it takes effect (0 to 1). */
export interface Wish {
  readonly user: number;
  readonly kind: 'post' | 'post' | 'read' | 'upload' | 'download' | 'list';
  readonly pauseMs: number;
  readonly tookMs: number;
  readonly at: number;
  readonly file: number;
  /** Of an operation that did take effect: unknown, when its answer got lost. fail: refused. */
  readonly outcome: Outcome;
}

export const wishes = fc.array(
  fc.record<Wish>({
    user: fc.nat(3),
    kind: fc.constantFrom('post', 'post', 'post', 'read', 'read', 'upload', 'download', 'list'),
    pauseMs: fc.nat(20),
    tookMs: fc.integer({ min: 1, max: 40 }),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    file: fc.nat(2),
    outcome: fc.constantFrom('ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'unknown', 'fail'),
  }),
  { minLength: 1, maxLength: 120 },
);

/** Plays the wishes; at the end everybody rests, and one reads what is left. */
export function play(list: readonly Wish[]): History {
  const free = [0, 0, 0, 0];
  const timed = list.map((wish, index) => {
    const invokeMs = (free[wish.user] as number) + wish.pauseMs + index / 1000;
    const endMs = invokeMs + wish.tookMs;
    free[wish.user] = endMs;
    return { wish, id: index + 1, invokeMs, endMs, effectMs: invokeMs + wish.at * wish.tookMs };
  });
  const lastMs = Math.max(...free) + 10;
  const stored: SeenPost[] = [];
  const files = new Map<string, { size: number; sha256: string }>();
  const operations: Operation[] = [];
  for (const { wish, id, invokeMs, endMs, effectMs } of [...timed].sort((a, b) => a.effectMs - b.effectMs)) {
    const { outcome, kind } = wish;
    const user = `user-${wish.user}`;
    const common = { id, user, invokeMs, endMs, outcome };
    const file = `file-${wish.file}`;
    if (kind === 'post') {
      const text = `${PREFIX}${id}`;
      const postId = String(stored.length + 1);
      if (outcome !== 'fail') stored.unshift({ postId, user, time: timeOf(effectMs), text });
      operations.push({ ...common, kind, text, postId: outcome === 'ok' ? postId : null });
    } else if (kind === 'read') {
      operations.push({ ...common, kind, posts: outcome === 'ok' ? stored.slice(0, 10) : null });
    } else if (kind === 'upload') {
      const contents = { size: id, sha256: `sum-${id}` };
      if (outcome !== 'fail') files.set(`${user}/${file}`, contents);
      operations.push({ ...common, kind, file, ...contents });
    } else if (kind === 'download') {
      operations.push({
        ...common,
        kind,
        file,
        found: outcome === 'ok' ? (files.get(`${user}/${file}`) ?? 'none') : null,
      });
    } else {
      const own = [...files].filter(([key]) => key.startsWith(`${user}/`));
      const rows = own.map(([key, { size }]) => ({ name: key.slice(user.length + 1), size }));
      operations.push({ ...common, kind, files: outcome === 'ok' ? rows : null });
    }
  }
  const posts = stored.slice(0, 10);
  operations.push({
    id: list.length + 1,
    user: 'user-0',
    invokeMs: lastMs,
    endMs: lastMs + 1,
    outcome: 'ok',
    kind: 'read',
    posts,
  });
  return { prefix: PREFIX, operations };
}

/** The same history with one operation in another's place. */
export function withOperation(history: History, operation: Operation): History {
  return { ...history, operations: history.operations.map((other) => (other.id === operation.id ? operation : other)) };
}

function timeOf(ms: number): string {
  return new Date(1_700_000_000_000 + Math.floor(ms)).toISOString();
}
