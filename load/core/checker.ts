/**
 * The history checker: is there an order of what happened that explains what everybody saw?
 *
 * Lives here: the laws of posts, and the one function that looks at everything. Does not live here: the laws of files
 * (checker-files.ts), making a history.
 *
 * Theory. It is a black-box check: it sees requests and answers and nothing of the stores. An acknowledged post is newer
 * than every post that was acknowledged before it was sent; posts that overlap may stand in either order, but in the same
 * one in every view. A view that was asked for after an acknowledgement must have the post, unless ten newer ones push
 * it out. So a post that is missing from a view is proven lost when the view has fewer than ten posts, or shows one
 * that is surely older.
 *
 * What it cannot see: a post that ten others had pushed out before anybody read, and whether it is there twice below
 * the ten newest; whether a post whose outcome is unknown should be there; the order of posts that overlapped and never
 * stood in one view; posts of others than the load's users beyond their order. With fewer posts a second than reads,
 * little of that is left. It does not see the disk either: kill things while it runs, if that is the question.
 */
import { checkFiles } from './checker-files.ts';
import { violation } from './history.ts';
import type { History, PostOperation, ReadOperation, SeenPost, Violation } from './history.ts';

/** A view has this many posts at most, and this many when there are as many. */
export const POSTS_IN_VIEW = 10;

type View = ReadOperation & { readonly posts: readonly SeenPost[] };

/** The first violation found, or null when all laws hold. The order of the operations does not matter. */
export function checkHistory(history: History): Violation | null {
  return new PostChecker(history).check() ?? checkFiles(history);
}

class PostChecker {
  private readonly prefix: string;
  private readonly posts: PostOperation[];
  private readonly views: View[];
  private readonly byText = new Map<string, PostOperation>();
  private readonly byId = new Map<string, PostOperation>();
  /** The first view of each post, by its id and, for the load's own, by its text. */
  private readonly firstById = new Map<string, { seen: SeenPost; view: View }>();
  private readonly firstByText = new Map<string, { seen: SeenPost; view: View }>();
  /** Of posts of the same millisecond: `newer older` by their ids, and the view that shows it. */
  private readonly orders = new Map<string, View>();

  constructor({ prefix, operations }: History) {
    this.prefix = prefix;
    this.posts = operations.filter((operation) => operation.kind === 'post');
    this.views = operations.filter((operation): operation is View => operation.kind === 'read' && !!operation.posts);
    this.views.sort((a, b) => a.endMs - b.endMs);
    for (const post of this.posts) this.byText.set(post.text, post);
  }

  check(): Violation | null {
    const twice = this.uniqueIds();
    if (twice !== null) return twice;
    for (const view of this.views) {
      const wrong = this.contents(view) ?? this.order(view);
      if (wrong !== null) return wrong;
    }
    return this.nothingMissing();
  }

  private uniqueIds(): Violation | null {
    for (const post of this.posts) {
      if (post.postId === null) continue;
      const other = this.byId.get(post.postId);
      if (other !== undefined)
        return violation('unique-ids', `two posts were acknowledged with the id ${post.postId}`, other, post);
      this.byId.set(post.postId, post);
    }
    return null;
  }

  /** Is everything in the view what was sent, and there once? */
  private contents(view: View): Violation | null {
    const { posts } = view;
    if (posts.length > POSTS_IN_VIEW)
      return violation('ten-at-most', `a view has ${posts.length} posts; ${POSTS_IN_VIEW} is the most`, view);
    const texts = new Set<string>();
    for (const seen of posts) {
      const wrong = this.one(seen, view, texts);
      if (wrong !== null) return wrong;
    }
    const ids = new Set(posts.map(({ postId }) => postId));
    if (ids.size < posts.length) return violation('once', 'a view has a post twice', view);
    return null;
  }

  private one(seen: SeenPost, view: View, texts: Set<string>): Violation | null {
    const { postId, text, user } = seen;
    const before = this.firstById.get(postId);
    if (before === undefined) this.firstById.set(postId, { seen, view });
    else if (before.seen !== seen && !same(before.seen, seen))
      return violation('unchanged', `post ${postId} is another one in a later view`, before.view, view);
    const owner = this.byId.get(postId);
    if (owner !== undefined && owner.text !== text)
      return violation('right-text', `post ${postId} was acknowledged for another text than it shows`, owner, view);
    if (!text.startsWith(this.prefix)) return null;

    const sent = this.byText.get(text);
    if (sent === undefined) return violation('no-phantom', `a view has '${text}', which nobody sent`, view);
    if (sent.user.toLowerCase() !== user.toLowerCase())
      return violation('right-user', `post ${postId} shows ${user}, and ${sent.user} sent it`, sent, view);
    if (sent.outcome === 'fail')
      return violation('failed-is-not-there', `post ${postId} was refused and is visible`, sent, view);
    if (sent.invokeMs > view.endMs)
      return violation('no-phantom', `a view has '${text}' before it was sent`, view, sent);
    if (texts.has(text)) return violation('once', `a view has '${text}' twice`, sent, view);
    texts.add(text);
    const first = this.firstByText.get(text);
    if (first === undefined) this.firstByText.set(text, { seen, view });
    const otherId = sent.postId ?? first?.seen.postId ?? postId;
    if (otherId !== postId)
      return violation(
        'once',
        `'${text}' is there twice: as ${otherId} and as ${postId}`,
        sent,
        ...(first === undefined ? [] : [first.view]),
        view,
      );
    return null;
  }

  /** Newest first, by the posts' own time, by real time, and the same in every view. */
  private order(view: View): Violation | null {
    const { posts } = view;
    /** Of the posts above, the one that was done first. */
    let first: PostOperation | null = null;
    for (const [at, seen] of posts.entries()) {
      const above = posts[at - 1];
      if (above !== undefined && above.time < seen.time)
        return violation(
          'newest-first',
          `${above.postId} (${above.time}) stands above ${seen.postId} (${seen.time})`,
          view,
        );
      const sameTime = this.tied(posts, at, view);
      if (sameTime !== null) return sameTime;
      const sent = this.byText.get(seen.text);
      if (sent === undefined) continue;
      if (first !== null && first.endMs < sent.invokeMs)
        return violation(
          'real-time-order',
          `${first.postId} stands above ${seen.postId}, as if it were newer, and was acknowledged before ${seen.postId} was sent`,
          first,
          sent,
          view,
        );
      if (sent.outcome === 'ok' && (first === null || sent.endMs < first.endMs)) first = sent;
    }
    return null;
  }

  /** Posts of the same millisecond have an order too: one. */
  private tied(posts: readonly SeenPost[], at: number, view: View): Violation | null {
    const seen = posts[at] as SeenPost;
    for (let up = at - 1; up >= 0 && posts[up]?.time === seen.time; up -= 1) {
      const newer = posts[up] as SeenPost;
      const other = this.orders.get(`${seen.postId} ${newer.postId}`);
      if (other !== undefined)
        return violation(
          'one-order',
          `${newer.postId} and ${seen.postId} changed places between two views`,
          other,
          view,
        );
      this.orders.set(`${newer.postId} ${seen.postId}`, view);
    }
    return null;
  }

  /** Is every post that must be in a view there? */
  private nothingMissing(): Violation | null {
    const sorted = [...this.posts].sort((a, b) => a.invokeMs - b.invokeMs);
    for (const view of this.views) {
      const oldest = this.surelyOldest(view);
      if (view.posts.length === POSTS_IN_VIEW && oldest === null) continue;
      const after = oldest === null ? -Infinity : this.knownAt(oldest);
      const texts = new Set(view.posts.map(({ text }) => text));
      for (let at = countBefore(sorted, view.invokeMs) - 1; at >= 0; at -= 1) {
        const post = sorted[at] as PostOperation;
        if (post.invokeMs <= after) break;
        if (this.knownAt(post) >= view.invokeMs || texts.has(post.text)) continue;
        return this.lost(post, view, oldest);
      }
    }
    return null;
  }

  private lost(post: PostOperation, view: View, oldest: PostOperation | null): Violation {
    const name = post.postId ?? `'${post.text}'`;
    const known = post.outcome === 'ok' ? 'acknowledged' : 'seen';
    const why =
      oldest === null
        ? `which has only ${view.posts.length} posts`
        : `which has an older one (${oldest.postId ?? oldest.text})`;
    const first = post.outcome === 'ok' ? undefined : this.firstByText.get(post.text)?.view;
    return violation(
      'nothing-lost',
      `post ${name} was ${known} before this view was asked for, and is not in it, ${why}`,
      ...(oldest === null ? [] : [oldest]),
      post,
      ...(first === undefined ? [] : [first]),
      view,
    );
  }

  /** Of a full view's posts, the one that was known first; null when the view is not full, or knows none of ours. */
  private surelyOldest(view: View): PostOperation | null {
    if (view.posts.length < POSTS_IN_VIEW) return null;
    let oldest: PostOperation | null = null;
    for (const { text } of view.posts) {
      const sent = this.byText.get(text);
      if (sent !== undefined && (oldest === null || this.knownAt(sent) < this.knownAt(oldest))) oldest = sent;
    }
    return oldest;
  }

  /** From when on a post is there for sure: acknowledged, or seen by somebody. */
  private knownAt(post: PostOperation): number {
    const seen = this.firstByText.get(post.text)?.view.endMs ?? Infinity;
    return post.outcome === 'ok' ? Math.min(post.endMs, seen) : seen;
  }
}

function same(a: SeenPost, b: SeenPost): boolean {
  return a.user === b.user && a.time === b.time && a.text === b.text;
}

/** How many of the posts, sorted by it, were sent before this moment. */
function countBefore(sorted: readonly PostOperation[], ms: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as PostOperation).invokeMs < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
