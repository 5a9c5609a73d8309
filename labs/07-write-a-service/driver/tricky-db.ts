/**
 * likes-db as the check runs it: the given one, which can be made to hold or to die at the worst moment.
 *
 * Lives here: the two tricks. Each is asked for by a file in the folder LIKES_DB_TRICKS and done to the next commit, once.
 */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { runService } from '../../../services/kit/main.ts';
import { create } from '../given/likes-db.ts';

runService((context) => {
  const folder = context.env['LIKES_DB_TRICKS'] ?? '';
  const isAsked = (trick: string): boolean => {
    const file = join(folder, trick);
    if (!existsSync(file)) return false;
    renameSync(file, `${file}-done`);
    return true;
  };
  return create(context, {
    // never answered, never done
    before: () => (isAsked('hold') ? new Promise(() => undefined) : Promise.resolve()),
    // on disk, and nobody is told
    after: () => {
      if (isAsked('die')) process.kill(process.pid, 'SIGKILL');
      return Promise.resolve();
    },
  });
});
