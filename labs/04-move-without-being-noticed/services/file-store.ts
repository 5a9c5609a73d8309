/**
 * file-store, the built-in one, at 10 ms a request: a hundred chunks a second. It writes a line into chunks.jsonl for each.
 *
 * Lives here: pace and log around it. The pace keeps the order: each request waits for the one before, and then its time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { runService } from '../../../services/kit/main.ts';
import type { ServiceDefinition } from '../../../services/kit/service.ts';
import { create } from '../../../services/file-store/service.ts';
import { statusOf } from '../../../services/protocols/answer.ts';
import { decodeStoreChunk, STORE_CHUNK_REQUEST } from '../../../services/protocols/files.ts';
import { dataDirOf } from '../../../services/store/open.ts';
import { logChunk } from './chunk-log.ts';
import { bytesIn } from './pieces.ts';

const REQUEST_MS = 10;
const SOCKET = 'files-socket';

function slow(definition: ServiceDefinition, dataDir: string): ServiceDefinition {
  const inner = definition.sockets?.[SOCKET];
  if (inner === undefined) throw new Error(`there is no socket ${SOCKET} to slow down`);
  let turn: Promise<unknown> = Promise.resolve();
  return {
    ...definition,
    sockets: {
      ...definition.sockets,
      [SOCKET]: (request, session, answer) => {
        const told = (type: string, rest: string): void => {
          const chunk = request.type === STORE_CHUNK_REQUEST ? decodeStoreChunk(request.rest) : '';
          if (typeof chunk !== 'string') {
            const { uploadId: upload, offset, data } = chunk;
            logChunk(dataDir, session.key, { upload, offset, bytes: bytesIn(data), taken: statusOf(rest) === 200 });
          }
          answer(type, rest);
        };
        turn = turn
          .then(() => sleep(REQUEST_MS))
          .then(() => {
            const outcome = inner(request, session, told);
            if (outcome !== undefined) void Promise.resolve(outcome).then(({ type, rest }) => told(type, rest));
          });
      },
    },
  };
}

runService((context) => slow(create(context), dataDirOf(context)));
