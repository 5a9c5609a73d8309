/**
 * likes-plug to likes-socket: what users ask, as the gateway passes it on. Both sides.
 *
 *     like_request   Post, User, Operation_id     200 · 400 unreadable · 409 the id was used for another post · 503, 504 again
 *     count_request  Post                         200, Line_3 how many likes · 400 · 503, 504
 *
 * An operation is (user, id). Sent again it takes effect once and gets the same answer.
 */
import { FieldsReader } from '../../../services/protocols/fields.ts';

export const LIKE_REQUEST = 'like_request';
export const COUNT_REQUEST = 'count_request';
const NAME_PATTERN = /^[A-Za-z0-9.-]{1,64}$/;

export interface Like {
  readonly post: string;
  readonly user: string;
  readonly operationId: string;
}

export function encodeLike({ post, user, operationId }: Like): string {
  return ` ~ Post: ${post} ~ User: ${user} ~ Operation_id: ${operationId}`;
}

/** The request, or a sentence that says why it cannot be read. */
export function decodeLike(rest: string): Like | string {
  const fields = new FieldsReader(rest);
  const like = {
    post: fields.text('Post'),
    user: fields.text('User'),
    operationId: fields.text('Operation_id'),
  };
  return fields.problem ?? wrongName(Object.values(like)) ?? like;
}

export function encodeCount({ post }: { readonly post: string }): string {
  return ` ~ Post: ${post}`;
}

/** The request, or a sentence that says why it cannot be read. */
export function decodeCount(rest: string): { readonly post: string } | string {
  const fields = new FieldsReader(rest);
  const asked = { post: fields.text('Post') };
  return fields.problem ?? wrongName(Object.values(asked)) ?? asked;
}

function wrongName(names: readonly string[]): string | null {
  if (names.every((name) => NAME_PATTERN.test(name))) return null;
  return 'Post, User and Operation_id have 1 to 64 of [A-Za-z0-9.-]';
}
