/**
 * likes: counts likes. It keeps nothing: what it must not lose is in likes-db when it answers.
 *
 * The count and "this operation is done" change in one commit, and only if neither has changed since they were read. So
 * there is no moment at which one is true without the other, whoever dies, and two replicas cannot overwrite each other.
 */
import { runService } from 'ssmmp-lab/services/kit/main.ts';
import { PlugError } from 'ssmmp-lab/services/kit/service.ts';
import type { Plug, Reply, ServiceContext, ServiceDefinition } from 'ssmmp-lab/services/kit/service.ts';
import { failedRest } from 'ssmmp-lab/services/passing/pass.ts';
import { readAnswer, statusOf } from 'ssmmp-lab/services/protocols/answer.ts';
import { responseTypeOf } from 'ssmmp-lab/services/protocols/line.ts';
import { errorRest, okRest } from 'ssmmp-lab/services/protocols/user.ts';
import {
  COUNT_REQUEST,
  decodeCount,
  decodeLike,
  LIKE_REQUEST,
} from 'ssmmp-lab/labs/07-write-a-service/given/likes-protocol.ts';
import type { Like } from 'ssmmp-lab/labs/07-write-a-service/given/likes-protocol.ts';
import {
  COMMIT_REQUEST,
  decodeEntries,
  encodeCommit,
  encodeRead,
  READ_REQUEST,
} from 'ssmmp-lab/labs/07-write-a-service/given/store-protocol.ts';
import type { Entry, Put } from 'ssmmp-lab/labs/07-write-a-service/given/store-protocol.ts';

/** So often others may have been quicker before the user is asked to try again. */
const TRIES_MAX = 100;
const RETRY_MS = 100;
const NOTHING: Entry = { value: '', version: 0 };

const countKey = (post: string): string => `count/${post}`;
const doneKey = ({ user, operationId }: Like): string => `done/${user}/${operationId}`;

/** The store answered something else than 200; `rest` is its answer, and ours. */
class Refused extends Error {
  readonly rest: string;
  constructor(rest: string) {
    super(`the store refused: ${rest}`);
    this.rest = rest;
  }
}

async function read(store: Plug, keys: readonly string[]): Promise<Entry[]> {
  const { rest } = await store.request(READ_REQUEST, encodeRead(keys));
  if (statusOf(rest) !== 200) throw new Refused(rest);
  return decodeEntries(readAnswer(rest));
}

async function commit(store: Plug, puts: readonly Put[]): Promise<string> {
  return (await store.request(COMMIT_REQUEST, encodeCommit(puts))).rest;
}

async function countOf(store: Plug, post: string): Promise<string> {
  const [count = NOTHING] = await read(store, [countKey(post)]);
  return okRest([String(Number(count.value))]);
}

async function likeOnce(store: Plug, like: Like): Promise<string> {
  const [countAt, doneAt] = [countKey(like.post), doneKey(like)];
  for (let tried = 0; tried < TRIES_MAX; tried += 1) {
    const [count = NOTHING, done = NOTHING] = await read(store, [countAt, doneAt]);
    if (done.version > 0 && done.value !== like.post)
      return errorRest(409, `Operation_id ${like.operationId} was used for another post`);
    if (done.version > 0) return okRest();
    const more = String(Number(count.value) + 1);
    const answer = await commit(store, [
      { key: countAt, value: more, version: count.version },
      { key: doneAt, value: like.post, version: 0 },
    ]);
    // 409: somebody was quicker, or this very commit was sent twice. Reading again tells which.
    if (statusOf(answer) !== 409) return answer;
  }
  return errorRest(503, 'too many like this post just now; try again', RETRY_MS);
}

/** The rest of the answer to a request. */
async function answerTo(store: Plug, type: string, rest: string): Promise<string> {
  try {
    if (type === LIKE_REQUEST) {
      const like = decodeLike(rest);
      if (typeof like === 'string') return errorRest(400, like);
      return await likeOnce(store, like);
    }
    if (type === COUNT_REQUEST) {
      const asked = decodeCount(rest);
      if (typeof asked === 'string') return errorRest(400, asked);
      return await countOf(store, asked.post);
    }
    return errorRest(400, `unknown Type; the requests here are ${LIKE_REQUEST} and ${COUNT_REQUEST}`);
  } catch (error) {
    if (error instanceof Refused) return error.rest;
    if (error instanceof PlugError) return failedRest(error); // 503 or 504: the same operation may be sent again
    throw error;
  }
}

function create(context: ServiceContext): ServiceDefinition {
  const store = context.plug('store-plug');
  return {
    sockets: {
      'likes-socket': async ({ type, rest }): Promise<Reply> => ({
        type: responseTypeOf(type),
        rest: await answerTo(store, type, rest),
      }),
    },
  };
}

runService(create);
