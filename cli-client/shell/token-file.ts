/**
 * The file that keeps a login for the next command: `{"user", "token", "time"}`, readable by its owner only. The token
 * stands nowhere else: in no argument, no environment, no output.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { TOKEN_LIFE_MS } from '../../services/protocols/user.ts';
import { CommandFailure, EXIT, notLoggedIn } from '../core/exit.ts';
import type { Io } from './io.ts';

export interface Login {
  readonly user: string;
  readonly token: string;
  /** When it was given, ISO 8601. */
  readonly time: string;
}

const OWNER_ONLY = 0o600;
const OTHERS = 0o077;

/** Where the token is: --token-file, CNAPP_TOKEN_FILE, or the user's folder of settings. */
export function tokenPath(flag: string | null, io: Io): string {
  const named = flag ?? io.env['CNAPP_TOKEN_FILE'] ?? '';
  return named === '' ? join(settingsFolder(io), 'token') : resolve(io.cwd, named);
}

/** `~/.config/cnapp`, or where XDG_CONFIG_HOME says. */
export function settingsFolder(io: Io): string {
  const config = io.env['XDG_CONFIG_HOME'] ?? '';
  return join(isAbsolute(config) ? config : join(io.env['HOME'] ?? homedir(), '.config'), 'cnapp');
}

/** The login that is kept; fails with exit code 4 when there is none or it has run out. */
export function readLogin(path: string, warn: (sentence: string) => void): Login {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw notLoggedIn('you are not logged in');
    throw error;
  }
  if (process.platform !== 'win32' && (statSync(path).mode & OTHERS) !== 0) {
    warn(`others may read the token file ${path}; only you should: chmod 600`);
  }
  const login = parse(text);
  if (login === null) {
    throw new CommandFailure(EXIT.notLoggedIn, 401, `${path} is not a token file of cnapp`, {
      hint: 'log in again, or name another file with --token-file',
    });
  }
  const ageMs = Date.now() - Date.parse(login.time);
  if (ageMs > TOKEN_LIFE_MS) throw notLoggedIn(`the login of ${login.user} has run out after 12 hours`);
  return login;
}

/** Keeps a login: a new file with mode 0600 takes the old one's place at once. */
export function writeLogin(path: string, login: Login): void {
  const draft = `${path}.${process.pid}.new`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(draft, JSON.stringify(login) + '\n', { mode: OWNER_ONLY, flag: 'wx' });
    renameSync(draft, path);
  } catch (error) {
    removeDraft(draft); // it holds a token
    throw new CommandFailure(EXIT.failed, 0, `the token file ${path} cannot be written: ${(error as Error).message}`, {
      hint: 'name another with --token-file FILE or CNAPP_TOKEN_FILE',
    });
  }
}

function removeDraft(draft: string): void {
  try {
    rmSync(draft, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error; // its folder is none: nothing was written
  }
}

export function removeLogin(path: string): void {
  rmSync(path, { force: true });
}

function parse(text: string): Login | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const { user, token, time } = (parsed ?? {}) as Partial<Record<string, unknown>>;
  if (typeof user !== 'string' || typeof token !== 'string' || typeof time !== 'string') return null;
  return { user, token, time };
}
