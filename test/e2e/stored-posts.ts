/**
 * The posts as posts-db keeps them on disk. Lives here: reading them with the store's own recovery, which changes
 * nothing, so a running cluster may be looked at. Does not live here: any expectation.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDisk } from '../../services/store/disk.ts';
import { recover } from '../../services/store/recover.ts';

interface StoredPost {
  readonly key: string;
  readonly text: string;
}

/** Text → ids of the posts with it, archives included. */
export async function storedPosts(stateDir: string): Promise<Map<string, string[]>> {
  const folder = join(stateDir, 'baas', 'posts-db');
  const { tables } = await recover(openDisk(folder));
  const rows = [...tables.table('posts').values()] as unknown as StoredPost[];
  for (const { key } of tables.table('archives').values())
    rows.push(...(JSON.parse(readFileSync(join(folder, key), 'utf8')) as StoredPost[]));
  const found = new Map<string, string[]>();
  for (const { key, text } of rows) found.set(text, [...(found.get(text) ?? []), key]);
  return found;
}
