/**
 * The operator's token: who can read the state directory may operate the cluster.
 *
 * Lives here: making, reading and comparing it. Does not live here: HTTP. It is made once, so that tools keep working
 * across restarts, and is in no log and no argument.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const TOKEN_FILE = 'operator-token';
const TOKEN_BYTES = 32;
const TOKEN = /^[0-9a-f]{64}$/;

/** The token of a state directory; made (mode 0600) when there is none that can be read. */
export function operatorToken(stateDir: string): string {
  const path = join(stateDir, TOKEN_FILE);
  const found = readToken(path);
  if (found !== null) {
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    return found;
  }
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  writeFileSync(path, `${token}\n`, { mode: 0o600 });
  if (process.platform !== 'win32') chmodSync(path, 0o600); // the mode above holds for a new file only
  return token;
}

/** Does an Authorization header carry the token? Takes the same time however much of it is right. */
export function isAuthorized(header: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S{1,256})$/i.exec(header ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(given), digest(token));
}

function readToken(path: string): string | null {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return TOKEN.test(text) ? text : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
