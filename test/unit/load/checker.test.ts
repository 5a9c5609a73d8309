/** The history checker: it finds nothing in good histories, and what was done to bad ones. */
import { expect } from 'chai';
import fc from 'fast-check';
import { checkHistory } from '../../../load/core/checker.ts';
import {
  violationText,
  type DownloadOperation,
  type History,
  type ListOperation,
  type Operation,
  type PostOperation,
  type ReadOperation,
  type SeenPost,
} from '../../../load/core/history.ts';
import { play, PREFIX, wishes, withOperation, type Wish } from './made-history.ts';

/** Histories that each kind of damage is tried on; many cannot be damaged so, and others are taken. */
const SPOILT_RUNS = 40;

type Seen = ReadOperation & { readonly posts: readonly SeenPost[] };

/** Plays wishes, spoils the history, expects that law to be named. Histories that cannot be spoilt so are passed over. */
function finds(laws: string[], spoil: (history: History) => History | null): void {
  fc.assert(
    fc.property(wishes, (list) => {
      const bad = spoil(play(list));
      fc.pre(bad !== null);
      const found = checkHistory(bad);
      expect(found, 'nothing found').not.to.equal(null);
      expect(laws, violationText(found as NonNullable<typeof found>)).to.include(found?.law);
      expect(violationText(found as NonNullable<typeof found>)).to.match(/^[a-z-]+: .+\n {2}#\d+ user-/);
    }),
    { numRuns: SPOILT_RUNS },
  );
}

function views(history: History): Seen[] {
  return history.operations.filter((operation): operation is Seen => operation.kind === 'read' && !!operation.posts);
}

function lastView(history: History): Seen {
  return views(history).at(-1) as Seen;
}

function of<Kind extends Operation['kind']>(history: History, kind: Kind): Extract<Operation, { kind: Kind }>[] {
  return history.operations.filter(
    (operation): operation is Extract<Operation, { kind: Kind }> => operation.kind === kind,
  );
}

/** An acknowledged post of the last view. */
function shownPost(history: History): PostOperation | null {
  const texts = new Set(lastView(history).posts.map(({ text }) => text));
  return of(history, 'post').find(({ text, outcome }) => outcome === 'ok' && texts.has(text)) ?? null;
}

describe('load: the history checker', function () {
  this.timeout(20_000);

  it('finds nothing in what a perfect social network answers, however the operations overlap', () => {
    fc.assert(
      fc.property(wishes, (list) => {
        const found = checkHistory(play(list));
        expect(found === null ? '' : violationText(found)).to.equal('');
      }),
      { numRuns: 500 },
    );
  });

  it('lost: a view without an acknowledged post that no ten newer ones push out', () =>
    finds(['nothing-lost'], (history) => {
      const lost = shownPost(history);
      if (lost === null) return null;
      const view = lastView(history);
      // An eleventh takes its place in a full view; without one there is a gap.
      const posts = view.posts.filter(({ text }) => text !== lost.text);
      const shown = new Set(posts.map(({ text }) => text));
      const older = of(history, 'post').find(
        (post) => post.outcome === 'ok' && !shown.has(post.text) && post.endMs < lost.invokeMs,
      );
      if (view.posts.length < 10 || older === undefined)
        return view.posts.length < 10 ? changed(history, view, posts) : null;
      const seen = {
        postId: older.postId as string,
        user: older.user,
        time: posts.at(-1)?.time ?? '',
        text: older.text,
      };
      return changed(
        { ...history, operations: history.operations.filter((o) => o === view || o.kind !== 'read') },
        view,
        [...posts, seen],
      );
    }));

  it('lost: a post whose answer got lost, that somebody saw, and that is gone again', () => {
    const view = (id: number, invokeMs: number, posts: SeenPost[]): ReadOperation => ({
      ...at(id, invokeMs),
      kind: 'read',
      posts,
    });
    const post: PostOperation = { ...at(1, 0), outcome: 'unknown', kind: 'post', text: `${PREFIX}1`, postId: null };
    const seen = { postId: '1', user: 'user-0', time: '2026-01-01T00:00:00.000Z', text: `${PREFIX}1` };
    const history = { prefix: PREFIX, operations: [post, view(2, 10, [seen]), view(3, 20, [])] };
    expect(checkHistory(history)).to.include({ law: 'nothing-lost' });
    expect(checkHistory({ ...history, operations: [post, view(2, 10, []), view(3, 20, [seen])] })).to.equal(null);
  });

  it('doubled: a post under two ids, in one view or in two, or two with one id', () => {
    finds(['once', 'ten-at-most'], (history) => {
      const view = lastView(history);
      const [first] = view.posts;
      return first === undefined ? null : changed(history, view, [{ ...first, postId: '999' }, ...view.posts]);
    });
    finds(['once', 'right-text', 'unchanged'], (history) => {
      const view = lastView(history);
      const [first, ...others] = view.posts;
      const isSeen = views(history).some(
        (other) => other !== view && other.posts.some(({ text }) => text === first?.text),
      );
      const isKnown = of(history, 'post').some(({ text, outcome }) => text === first?.text && outcome === 'ok');
      if (first === undefined || !(isSeen || isKnown)) return null;
      return changed(history, view, [{ ...first, postId: '999' }, ...others]);
    });
    finds(['unique-ids'], (history) => {
      const [one, two] = of(history, 'post').filter(({ outcome }) => outcome === 'ok');
      return one === undefined || two === undefined ? null : withOperation(history, { ...two, postId: one.postId });
    });
  });

  it('reordered: two posts that did not overlap in the wrong order', () =>
    finds(['real-time-order', 'newest-first', 'unchanged', 'one-order'], (history) => {
      const view = lastView(history);
      const sent = (seen: SeenPost): PostOperation | undefined =>
        of(history, 'post').find(({ text }) => text === seen.text);
      for (const [place, newer] of view.posts.entries()) {
        const older = view.posts[place + 1];
        const [a, b] = older === undefined ? [] : [sent(newer), sent(older)];
        if (older === undefined || a === undefined || b === undefined || b.outcome !== 'ok' || b.endMs >= a.invokeMs)
          continue;
        const posts = [...view.posts];
        // With their times exchanged too, so that only real time tells.
        posts[place] = { ...older, time: newer.time };
        posts[place + 1] = { ...newer, time: older.time };
        return changed(history, view, posts);
      }
      return null;
    }));

  it('reordered: two posts of one millisecond change places between two views', () => {
    const time = '2026-01-01T00:00:00.000Z';
    const posts = ['1', '2'].map((postId) => ({ postId, user: 'other', time, text: `of others ${postId}` }));
    const read = (id: number, list: SeenPost[]): ReadOperation => ({ ...at(id, id * 10), kind: 'read', posts: list });
    const history = { prefix: PREFIX, operations: [read(1, posts), read(2, [...posts].reverse())] };
    expect(checkHistory(history)).to.include({ law: 'one-order' });
    expect(checkHistory({ ...history, operations: [read(1, posts), read(2, posts)] })).to.equal(null);
  });

  it('phantom: what nobody sent, what was refused, what was not sent yet, what somebody else sent', () => {
    finds(['no-phantom', 'ten-at-most'], (history) => {
      const view = lastView(history);
      return changed(history, view, [
        { postId: '999', user: 'user-0', time: '2999', text: `${PREFIX}999` },
        ...view.posts,
      ]);
    });
    finds(['failed-is-not-there'], (history) => {
      const post = shownPost(history);
      return post === null ? null : withOperation(history, { ...post, outcome: 'fail', postId: null });
    });
    finds(['no-phantom'], (history) => {
      const post = shownPost(history);
      if (post === null) return null;
      return withOperation(history, { ...post, invokeMs: post.invokeMs + 1e6, endMs: post.endMs + 1e6 });
    });
    finds(['right-user'], (history) => {
      const post = shownPost(history);
      return post === null ? null : withOperation(history, { ...post, user: 'user-9' });
    });
  });

  it('files: other bytes, replaced bytes, a file that is gone, a list that lacks it', () => {
    finds(['file-is-equal'], (history) => {
      const got = of(history, 'download').find(({ found }) => found !== null && found !== 'none');
      return got === undefined ? null : withOperation(history, { ...got, found: { size: 1, sha256: 'other' } });
    });
    const known = (history: History, one: DownloadOperation | ListOperation): boolean =>
      of(history, 'upload').some(
        ({ user, outcome, endMs, file }) =>
          user === one.user && outcome === 'ok' && endMs < one.invokeMs && (one.kind === 'list' || file === one.file),
      );
    finds(['file-is-there'], (history) => {
      const got = of(history, 'download').find((one) => one.found !== null && known(history, one));
      return got === undefined ? null : withOperation(history, { ...got, found: 'none' });
    });
    finds(['file-is-listed'], (history) => {
      const list = of(history, 'list').find((one) => one.files !== null && known(history, one));
      return list === undefined ? null : withOperation(history, { ...list, files: [] });
    });
    const upload = (id: number): Operation => ({
      ...at(id, id * 10),
      kind: 'upload',
      file: 'f',
      size: id,
      sha256: `sum-${id}`,
    });
    const found = (id: number): Operation => ({
      ...at(9, 90),
      kind: 'download',
      file: 'f',
      found: { size: id, sha256: `sum-${id}` },
    });
    expect(checkHistory({ prefix: PREFIX, operations: [upload(1), upload(2), found(1)] })).to.include({
      law: 'file-is-new',
    });
    expect(checkHistory({ prefix: PREFIX, operations: [upload(1), upload(2), found(2)] })).to.equal(null);
  });

  it('judges thirty thousand operations quickly: the work grows with the history, not with its square', () => {
    const list: Wish[] = Array.from({ length: 30_000 }, (_, index) => ({
      user: index % 4,
      kind: index % 5 === 0 ? 'post' : 'read',
      pauseMs: 1,
      tookMs: 5,
      at: (index % 7) / 7,
      file: 0,
      outcome: 'ok',
    }));
    const history = play(list);
    const from = performance.now();
    expect(checkHistory(history)).to.equal(null);
    expect(performance.now() - from).to.be.lessThan(5000);
  });
});

function at(
  id: number,
  invokeMs: number,
): { id: number; user: string; invokeMs: number; endMs: number; outcome: 'ok' } {
  return { id, user: 'user-0', invokeMs, endMs: invokeMs + 1, outcome: 'ok' };
}

/** The last view shows other posts; the views before it stay. */
function changed(history: History, view: Seen, posts: readonly SeenPost[]): History {
  return withOperation(history, { ...view, posts });
}
