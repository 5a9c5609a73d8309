/**
 * How many files this process may have open: every connection is one. What may not live here: what they are used for.
 *
 * Theory. A process at its limit cannot even connect to the service that would answer its users, so the number of users'
 * connections has to stay below it. Node raises its own limit as far as the system lets it; how far, only Linux tells
 * without asking a shell. Elsewhere no limit is assumed: there, connections beyond it are closed by the system.
 */
import { readFileSync } from 'node:fs';

/** The limit, or Infinity where it cannot be known. */
export function openFilesMax(limitsFile = '/proc/self/limits'): number {
  let text: string;
  try {
    text = readFileSync(limitsFile, 'utf8');
  } catch {
    return Infinity; // not Linux
  }
  const soft = /^Max open files +(\d+)/m.exec(text)?.[1];
  return soft === undefined ? Infinity : Number(soft);
}
