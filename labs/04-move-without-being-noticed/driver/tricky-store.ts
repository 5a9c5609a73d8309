/**
 * piece-store as the check runs it: at the lab's pace, with its chunk log, and made to crawl, to hold or to die at a byte.
 *
 * Lives here: the tricks. One is asked for by a file `trick` in the folder PIECE_STORE_TRICKS, such as `crawl 300000 2`, and begun
 * by the first append that ends behind that byte. The file `done-2` tells so; crawling and holding end with the file `release-2`.
 *
 * Why it crawls for a move, and does not hold: a session that closes and from which nothing comes is broken off (muteMs).
 */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runService } from '../../../services/kit/main.ts';
import { dataDirOf } from '../../../services/store/open.ts';
import { logChunk } from '../services/chunk-log.ts';
import { create } from '../services/keep.ts';

const APPEND_MS = 10;
/** Sixteen chunks may be under way, and closeDrainMs is 4 s. */
const CRAWL_MS = 200;
const LOOK_MS = 10;

export type Trick = 'crawl' | 'hold-after' | 'die-after';

runService((context) => {
  const folder = context.env['PIECE_STORE_TRICKS'] ?? '';
  const asked = join(folder, 'trick');

  /** Begins the trick where it is asked for here. Gives the file that ends it. */
  function begun(trick: Trick, end: number): string | null {
    if (!existsSync(asked)) return null;
    const [name, at, number] = readFileSync(asked, 'utf8').split(' ');
    if (name !== trick || end <= Number(at)) return null;
    renameSync(asked, join(folder, `done-${number}`));
    return join(folder, `release-${number}`);
  }

  /** Waits for a file, at most so long. */
  async function hold(release: string, mostMs: number): Promise<void> {
    const end = performance.now() + mostMs;
    while (!existsSync(release) && performance.now() < end) await sleep(LOOK_MS);
  }

  let crawlsUntil: string | null = null;
  return create(context, {
    before: async ({ end }) => {
      crawlsUntil = begun('crawl', end) ?? crawlsUntil;
      if (crawlsUntil === null || existsSync(crawlsUntil)) return void (await sleep(APPEND_MS));
      await hold(crawlsUntil, CRAWL_MS);
    },
    after: async ({ name, offset, bytes, added, session }) => {
      logChunk(dataDirOf(context), session.key, { upload: name, offset, bytes, taken: added });
      const release = begun('hold-after', offset + bytes);
      if (release !== null) await hold(release, Infinity);
      if (begun('die-after', offset + bytes) !== null) process.kill(process.pid, 'SIGKILL');
    },
  });
});
