/**
 * A cluster in the background.
 *
 * Lives here: starting `ssmmp up` once more without a terminal, and the word between the two. Does not live here:
 * what `ssmmp up` does.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import type { ExitCode } from '../core/exit-code.ts';
import { writeData } from './output.ts';
import { stateFiles } from './settings.ts';
import type { Settings } from './settings.ts';

/** Set in the environment of the process in the background; nobody else sets it. */
const MARK = 'SSMMP_DETACHED_CHILD';

type Word =
  | { readonly kind: 'ready'; readonly text: string }
  | { readonly kind: 'failed'; readonly message: string; readonly exitCode: ExitCode };

/** Is this the process in the background? */
export function isDetachedChild(): boolean {
  return process.env[MARK] === '1';
}

/** Starts this same command line in the background; resolves when it serves, throws what it failed with. */
export function detach(settings: Settings): Promise<void> {
  mkdirSync(settings.stateDir, { recursive: true });
  const logFile = stateFiles.upLog(settings.stateDir);
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...process.env, [MARK]: '1' },
  });
  closeSync(log);
  return new Promise((resolve, reject) => {
    child.on('message', (word: Word) => {
      if (word.kind === 'failed') return reject(new OperatorError(word.exitCode, word.message));
      writeData(word.text);
      child.disconnect();
      child.unref();
      resolve();
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      reject(
        new OperatorError(
          EXIT.failed,
          `the background process ended (${signal ?? `exit code ${code}`}); its log is ${logFile}`,
        ),
      );
    });
  });
}

/** The background process serves: its words for the person, and no tie any more. */
export function reportReady(text: string): void {
  send({ kind: 'ready', text });
}

export function reportFailure(error: unknown): void {
  const exitCode = error instanceof OperatorError ? error.exitCode : EXIT.failed;
  send({ kind: 'failed', message: error instanceof Error ? error.message : String(error), exitCode });
}

/** Whoever started us may be gone; then nobody listens and the log has it all. */
function send(word: Word): void {
  if (process.connected !== true) return;
  process.send?.(word, undefined, undefined, () => null);
}
