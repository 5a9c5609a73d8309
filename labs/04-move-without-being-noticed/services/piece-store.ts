/** piece-store as this lab runs it: 10 ms for each append, as a slow disk has it, and a line in chunks.jsonl for each. */
import { setTimeout as sleep } from 'node:timers/promises';
import { runService } from '../../../services/kit/main.ts';
import { dataDirOf } from '../../../services/store/open.ts';
import { logChunk } from './chunk-log.ts';
import { create } from './keep.ts';

/** An append takes so long: a megabyte takes a third of a second. */
const APPEND_MS = 10;

runService((context) =>
  create(context, {
    before: async () => void (await sleep(APPEND_MS)),
    after: ({ name, offset, bytes, added, session }) => {
      logChunk(dataDirOf(context), session.key, { upload: name, offset, bytes, taken: added });
      return Promise.resolve();
    },
  }),
);
