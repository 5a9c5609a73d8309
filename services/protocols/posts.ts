/**
 * Edges 8 and 9, posts-plug to posts-socket: what post and table ask posts-db. Both sides.
 *
 * `append_post_request` has the lines of edge 3's request (post.ts), so that post passes them on as they are once it
 * has looked at them; `last_posts_request` has none. Answers: the user's, see cnapp.md's table and answer.ts.
 */

import { okRestOfRaw, postLine, type Post } from './user.ts';

export { decodeSendPost as decodeAppendPost, type SendPost as AppendPost } from './post.ts';

export const APPEND_POST_REQUEST = 'append_post_request';
export const LAST_POSTS_STORED_REQUEST = 'last_posts_request';

/** The answer to last_posts_request, newest first. It goes to the user as it is. */
export function encodeLastPostsStored(posts: readonly Post[]): string {
  return okRestOfRaw(posts.map(postLine));
}
