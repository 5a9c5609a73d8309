/**
 * post: F of the service that takes posts. Stateless: it looks at the text, posts-db keeps it.
 * The posts of one user are passed on in the order in which they came.
 */

import type { Answer, LineMessage, ServiceContext, ServiceDefinition } from '../kit/service.ts';
import { passOn, unknownType, unreadableRest } from '../passing/pass.ts';
import { responseTypeOf } from '../protocols/line.ts';
import { decodeSendPost, SEND_POST_REQUEST } from '../protocols/post.ts';
import { APPEND_POST_REQUEST } from '../protocols/posts.ts';
import { checkPostText, problemRest } from '../protocols/user.ts';

export function create(context: ServiceContext): ServiceDefinition {
  const posts = context.plug('posts-plug');
  return {
    sockets: {
      'post-socket': (request: LineMessage, _session, answer: Answer) => {
        const type = responseTypeOf(request.type);
        if (request.type !== SEND_POST_REQUEST) return answer(type, unknownType(request.type, [SEND_POST_REQUEST]));
        const post = decodeSendPost(request.rest);
        if (typeof post === 'string') return answer(type, unreadableRest(post));
        const wrong = checkPostText(post.text);
        if (wrong !== null) return answer(type, problemRest(wrong));
        return passOn(posts, APPEND_POST_REQUEST, request.rest, request, answer, { affinity: post.user });
      },
    },
  };
}
