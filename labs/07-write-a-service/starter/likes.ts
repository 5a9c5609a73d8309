/**
 * likes: your service. It works, once `likes` is in the graph: like a post twice and ask how often.
 *
 * Then kill it and ask again.
 */
import { runService } from 'ssmmp-lab/services/kit/main.ts';
import type { Reply, ServiceContext, ServiceDefinition } from 'ssmmp-lab/services/kit/service.ts';
import { responseTypeOf } from 'ssmmp-lab/services/protocols/line.ts';
import { errorRest, okRest } from 'ssmmp-lab/services/protocols/user.ts';
import {
  COUNT_REQUEST,
  decodeCount,
  decodeLike,
  LIKE_REQUEST,
} from 'ssmmp-lab/labs/07-write-a-service/given/likes-protocol.ts';

const counts = new Map<string, number>();

/** The rest of the answer to a request: `okRest([...])` or `errorRest(status, sentence)`. */
function answerTo(type: string, rest: string): string {
  if (type === LIKE_REQUEST) {
    const like = decodeLike(rest);
    if (typeof like === 'string') return errorRest(400, like);
    counts.set(like.post, (counts.get(like.post) ?? 0) + 1);
    return okRest();
  }
  if (type === COUNT_REQUEST) {
    const asked = decodeCount(rest);
    if (typeof asked === 'string') return errorRest(400, asked);
    return okRest([String(counts.get(asked.post) ?? 0)]);
  }
  return errorRest(400, `unknown Type; the requests here are ${LIKE_REQUEST} and ${COUNT_REQUEST}`);
}

function create(_context: ServiceContext): ServiceDefinition {
  return {
    sockets: {
      'likes-socket': ({ type, rest }): Reply => ({ type: responseTypeOf(type), rest: answerTo(type, rest) }),
    },
  };
}

runService(create);
