/**
 * posts-db: F of the BaaS that keeps posts. What the requests do is in posts.ts; here they are read and handed over.
 */

import type { Answer, LineMessage, ServiceContext, ServiceDefinition } from '../kit/service.ts';
import { responseTypeOf } from '../protocols/line.ts';
import { APPEND_POST_REQUEST, decodeAppendPost, LAST_POSTS_STORED_REQUEST } from '../protocols/posts.ts';
import { errorRest } from '../protocols/user.ts';
import { openDisk } from '../store/disk.ts';
import { openStore } from '../store/open.ts';
import { Operations } from '../store/operations.ts';
import type { Store } from '../store/store.ts';
import { Archive } from './archive.ts';
import { archivesOf, Posts } from './posts.ts';

/** `open` is given by tests. */
export function create(
  context: ServiceContext,
  open: (context: ServiceContext) => Promise<Store> = openStore,
): ServiceDefinition {
  let posts: Posts;

  return {
    async start() {
      const store = await open(context);
      const archive = context.dataDir === null ? null : new Archive(openDisk(context.dataDir), context.instanceId);
      await archive?.removeOthers(archivesOf(store));
      const now = (): number => context.now();
      posts = new Posts({
        store,
        operations: new Operations(store, context.serviceName, now),
        serviceName: context.serviceName,
        now,
        archive,
        warn: (sentence) => context.log.warn({}, sentence),
      });
    },
    sockets: {
      'posts-socket': (request: LineMessage, _session, answer: Answer) => {
        const type = responseTypeOf(request.type);
        if (request.type === LAST_POSTS_STORED_REQUEST) return answer(type, posts.last());
        if (request.type !== APPEND_POST_REQUEST) {
          return answer(type, errorRest(400, `unknown Type '${request.type}' on posts-socket`));
        }
        const post = decodeAppendPost(request.rest);
        if (typeof post === 'string') return answer(type, errorRest(400, post));
        return posts.append(post).then((rest) => ({ type, rest }));
      },
    },
    stop: () => posts.close(),
  };
}
