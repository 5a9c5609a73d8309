/**
 * Edge 4, table-plug to table-socket: api-gateway asks table for the last ten posts. Both sides.
 * Answer: 200, Line_3 to Line_12 the posts, newest first, each `post id, user, time, text`: exactly what the user gets,
 * made in posts-db and passed on untouched. The request has no lines: everybody sees the same posts.
 */

export const LAST_POSTS_REQUEST = 'retrieve_last_10_posts_request';

export function encodeLastPosts(): string {
  return '';
}
