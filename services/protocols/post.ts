/**
 * Edge 3, post-plug to post-socket: api-gateway passes a user's post on to post. Both sides.
 * Answers: 200, Line_3 the post id; 400, 413 a limit; 409 the operation id was used for another post; 503.
 */

import { FieldsReader } from './fields.ts';
import { encodePart } from './line.ts';

export const SEND_POST_REQUEST = 'send_post_request';

export interface SendPost {
  readonly user: string;
  readonly operationId: string;
  readonly text: string;
}

export function encodeSendPost(post: SendPost): string {
  return ` ~ User: ${encodePart(post.user)} ~ Operation_id: ${post.operationId} ~ Text: ${encodePart(post.text)}`;
}

/** The request, or a sentence that says why it cannot be read. */
export function decodeSendPost(rest: string): SendPost | string {
  const fields = new FieldsReader(rest);
  const post: SendPost = {
    user: fields.text('User'),
    operationId: fields.raw('Operation_id'),
    text: fields.text('Text'),
  };
  return fields.problem ?? post;
}
