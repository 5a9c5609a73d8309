/**
 * `cnapp shell`: a prompt for the same verbs, with history and Tab completion; from a pipe, a script of them. What a
 * line does is the command line's business (program.ts, commands.ts).
 */
import { appendFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import * as shlex from 'shlex';
import { completionPoint, completions } from '../core/completion.ts';
import type { CompletionPoint } from '../core/completion.ts';
import { EXIT } from '../core/exit.ts';
import type { OutputFormat } from '../core/render.ts';
import { visible } from '../core/visible.ts';
import { allFiles } from './commands.ts';
import type { Context } from './context.ts';
import type { Io } from './io.ts';
import { ClientClosed, GatewayNotReached } from './link.ts';
import { Printer } from './print.ts';
import { parseWords } from './program.ts';
import { Asker, HISTORY_LINES_MAX, Interrupted } from './prompt.ts';
import { asFailure, runVerb } from './run-verb.ts';
import { readLogin, settingsFolder } from './token-file.ts';

const GREETING = 'Type help for the verbs, Tab to complete, exit or Ctrl-D to leave.';
/** The names of the user's files are kept so long for Tab. */
const NAMES_KEPT_MS = 5_000;

/** Runs lines until the end of the input or `exit`; the code is that of the last command when lines come from a pipe. */
export async function runShell(context: Context, output: OutputFormat, interrupt: AbortSignal): Promise<number> {
  const history = new History(context.io, (sentence) => context.printer.talk(sentence));
  const names = new ServerNames(context);
  const asker = new Asker(context.io, {
    history: history.read(),
    completer: (line, done) => void complete(line, context, names).then((result) => done(null, result)),
    onInterrupt: () => context.interrupt(),
  });
  const onInterrupt = (): void => {
    context.interrupt();
    asker.close();
  };
  interrupt.addEventListener('abort', onInterrupt, { once: true });
  context.asker = asker;
  if (asker.isTerminal) context.printer.talk(GREETING);
  let exit = 0;
  try {
    for (;;) {
      const line = await nextLine(asker, context);
      if (line === null || interrupt.aborted) break;
      if (asker.isTerminal) history.add(line);
      const words = split(line, context);
      if (words === null) exit = EXIT.usage;
      else if (words[0] === 'exit' || words[0] === 'quit') break;
      else if (words.length > 0) exit = await runLine(words, context, output);
    }
  } finally {
    interrupt.removeEventListener('abort', onInterrupt);
    asker.close();
  }
  if (interrupt.aborted) return EXIT.interrupted;
  return asker.isTerminal ? EXIT.done : exit;
}

async function nextLine(asker: Asker, context: Context): Promise<string | null> {
  for (;;) {
    try {
      return await asker.ask(prompt(context), true);
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error; // Ctrl-C at the prompt: a new line
    }
  }
}

async function runLine(words: readonly string[], context: Context, output: OutputFormat): Promise<number> {
  context.clearInterrupt();
  context.printer = new Printer(context.io, output);
  try {
    const parsed = parseWords(words, context.io, output, true);
    if (parsed.kind === 'over') return parsed.exit;
    if (parsed.kind === 'shell') return EXIT.usage;
    context.printer = new Printer(context.io, parsed.options.output);
    return await runVerb(context, parsed.verb, parsed.given);
  } catch (error) {
    const failure = asFailure(error);
    if (failure === null) throw error;
    context.printer.failure(failure);
    return failure.exit;
  }
}

function split(line: string, context: Context): string[] | null {
  try {
    const words = shlex.split(line);
    return words[0] === 'cnapp' ? words.slice(1) : words;
  } catch (error) {
    context.printer.talk(`cnapp: ${visible((error as Error).message)}; a ' or " is closed by another one`);
    return null;
  }
}

function prompt(context: Context): string {
  try {
    return `cnapp ${visible(readLogin(context.tokenPath, () => undefined).user)}> `;
  } catch (error) {
    if (asFailure(error) !== null) return 'cnapp> '; // the next command will say it
    throw error;
  }
}

async function complete(line: string, context: Context, names: ServerNames): Promise<[string[], string]> {
  const point = completionPoint(line);
  let found: readonly string[] = [];
  if (point.kind === 'serverFile') found = await names.get();
  if (point.kind === 'localFile') found = localNames(point, context.io.cwd);
  const fitting = completions(point, found);
  const only = fitting.length === 1 ? (fitting[0] as string) : '';
  // A whole word is followed by a space; a folder is not yet a whole path.
  const isWhole = only !== '' && !/\/'?$/.test(only);
  return [isWhole ? [`${only} `] : fitting, line.slice(point.start)];
}

/** Files that a path's beginning may mean; folders end in /. An unreadable folder has none. */
function localNames(point: CompletionPoint, cwd: string): string[] {
  const { fragment } = point;
  const folder = fragment.includes('/') ? dirname(fragment + 'x') : '';
  const prefix = fragment.slice(0, fragment.length - (fragment.endsWith('/') ? 0 : basename(fragment).length));
  try {
    return readdirSync(resolve(cwd, folder), { withFileTypes: true })
      .filter((entry) => visible(entry.name) === entry.name)
      .map((entry) => prefix + entry.name + (entry.isDirectory() ? '/' : ''));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return [];
  }
}

/** The names of the user's files, asked for when Tab needs them. */
class ServerNames {
  readonly #context: Context;
  #names: string[] = [];
  #atMs = -Infinity;

  constructor(context: Context) {
    this.#context = context;
  }

  async get(): Promise<readonly string[]> {
    if (performance.now() - this.#atMs < NAMES_KEPT_MS) return this.#names;
    try {
      const files = await allFiles(this.#context, this.#context.login().token);
      // A name that must be shown changed cannot be typed as it is shown.
      this.#names = files.map((file) => file.name).filter((name) => visible(name) === name);
      this.#atMs = performance.now();
    } catch (error) {
      const isExpected = error instanceof GatewayNotReached || error instanceof ClientClosed;
      if (!isExpected && asFailure(error) === null) throw error;
      return []; // nothing to complete with; the command itself will say why
    }
    return this.#names;
  }
}

/** The lines of earlier runs, in a file of its owner's only. Passwords are never among them: they are asked for hidden. */
class History {
  readonly #path: string;
  readonly #talk: (sentence: string) => void;
  #isOff = false;

  constructor(io: Io, talk: (sentence: string) => void) {
    this.#talk = talk;
    const named = io.env['CNAPP_HISTORY_FILE'] ?? '';
    this.#path = named === '' ? join(settingsFolder(io), 'history') : resolve(io.cwd, named);
  }

  /** Newest first. */
  read(): string[] {
    let kept: string[] = [];
    this.#try(() => {
      const lines = readFileSync(this.#path, 'utf8').split('\n').filter(Boolean);
      kept = lines.slice(-HISTORY_LINES_MAX);
      if (lines.length > 2 * HISTORY_LINES_MAX) writeFileSync(this.#path, kept.join('\n') + '\n', { mode: 0o600 });
    });
    return kept.reverse();
  }

  add(line: string): void {
    if (line.trim() === '' || this.#isOff) return;
    this.#try(() => {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      appendFileSync(this.#path, line + '\n', { mode: 0o600 });
    });
  }

  /** A shell works without a history too, as in a home that cannot be written. */
  #try(touch: () => void): void {
    try {
      touch();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      if (code === 'ENOENT') return; // there is none yet
      this.#isOff = true;
      this.#talk(`no history is kept: ${visible(message)}`);
    }
  }
}
