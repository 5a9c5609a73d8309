/**
 * table: F of the service that shows the last ten posts. Stateless: posts-db has them ready, as the user gets them.
 *
 * Theory. Everybody reads, few write. Reads that come in one turn of the event loop are one question: they go to
 * posts-db as one request, sent after the last of them has come, so that none sees less than what was acknowledged
 * before it was asked.
 */

import type { Answer, LineMessage, ServiceContext, ServiceDefinition } from '../kit/service.ts';
import { failedRest, unknownType } from '../passing/pass.ts';
import { responseTypeOf } from '../protocols/line.ts';
import { LAST_POSTS_STORED_REQUEST } from '../protocols/posts.ts';
import { LAST_POSTS_REQUEST } from '../protocols/table.ts';

export function create(context: ServiceContext): ServiceDefinition {
  const posts = context.plug('posts-plug');
  const responseType = responseTypeOf(LAST_POSTS_REQUEST);
  let asking: Answer[] = [];

  function ask(): void {
    const all = asking;
    asking = [];
    posts.forward(LAST_POSTS_STORED_REQUEST, '', (response, error) => {
      const rest = response === null ? failedRest(error) : response.rest;
      for (const answer of all) answer(responseType, rest);
    });
  }

  return {
    sockets: {
      'table-socket': (request: LineMessage, _session, answer: Answer) => {
        if (request.type !== LAST_POSTS_REQUEST) {
          return answer(responseTypeOf(request.type), unknownType(request.type, [LAST_POSTS_REQUEST]));
        }
        if (asking.push(answer) === 1) queueMicrotask(ask); // runs when all lines that came together were handed over
      },
    },
  };
}
