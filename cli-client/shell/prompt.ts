/**
 * Asking the user: lines with history and completion, hidden lines for passwords, and the same from a pipe, where no
 * prompt is shown. One Asker reads stdin for as long as it is open; it never loses a line that came early.
 *
 * Theory. A terminal has one reader at a time, so there is one readline interface for the whole of a run, and what
 * changes is whether it may write: while a password is typed or a command runs, its echo goes nowhere. Prompts go to
 * stderr, so that stdout holds data only.
 */
import readline from 'node:readline';
import { Writable, addAbortSignal } from 'node:stream';
import type { Readable } from 'node:stream';
import type { Io, OutputStream } from './io.ts';

export const HISTORY_LINES_MAX = 1000;

/** Ctrl-C while we asked. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}

export interface AskerOptions {
  /** Newest first. */
  readonly history?: readonly string[];
  readonly completer?: (line: string, done: (error: null, result: [string[], string]) => void) => void;
  /** Ctrl-C while nothing is asked: a command runs. */
  readonly onInterrupt?: () => void;
}

interface Waiter {
  resolve(line: string | null): void;
  reject(error: Error): void;
}

export class Asker {
  readonly isTerminal: boolean;
  readonly #readline: readline.Interface;
  readonly #output: MutedOutput;
  readonly #stderr: OutputStream;
  readonly #early: string[] = [];
  #waiter: Waiter | null = null;
  #isEnded = false;
  /** The history as it shall stay, while a line is asked that does not belong to it. */
  #keptHistory: readonly string[] | null = null;

  constructor(io: Io, options: AskerOptions = {}) {
    this.isTerminal = Boolean(io.stdin.isTTY && io.stderr.isTTY);
    this.#stderr = io.stderr;
    this.#output = new MutedOutput(io.stderr);
    this.#readline = readline.createInterface({
      input: io.stdin,
      terminal: this.isTerminal,
      historySize: HISTORY_LINES_MAX,
      removeHistoryDuplicates: true,
      ...(this.isTerminal ? { output: this.#output, history: [...(options.history ?? [])] } : {}),
      ...(options.completer ? { completer: options.completer } : {}),
    });
    this.#readline.on('line', (line) => this.#take(line));
    this.#readline.on('close', () => this.#end());
    this.#readline.on('history', (history: string[]) => {
      if (this.#keptHistory !== null) history.splice(0, history.length, ...this.#keptHistory);
    });
    this.#readline.on('SIGINT', () => {
      const waiter = this.#waiter;
      this.#waiter = null;
      if (waiter === null) options.onInterrupt?.();
      else {
        this.#output.isMuted = true;
        this.#readline.write(null, { ctrl: true, name: 'e' });
        this.#readline.write(null, { ctrl: true, name: 'u' });
        this.#stderr.write('\n');
        waiter.reject(new Interrupted());
      }
    });
  }

  /** A line, or null at the end of the input. Only lines of `isHistory` are found again with the arrow keys. */
  ask(prompt: string, isHistory = false): Promise<string | null> {
    return this.#ask(prompt, isHistory ? null : this.#history(), false);
  }

  /** A line that is not shown while it is typed. */
  askHidden(prompt: string): Promise<string | null> {
    return this.#ask(prompt, this.#history(), true);
  }

  close(): void {
    this.#readline.close();
  }

  #ask(prompt: string, keptHistory: readonly string[] | null, isHidden: boolean): Promise<string | null> {
    const early = this.#early.shift();
    if (early !== undefined) {
      if (this.isTerminal) this.#stderr.write(prompt + (isHidden ? '' : early) + '\n');
      return Promise.resolve(early);
    }
    if (this.#isEnded) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#keptHistory = keptHistory;
      this.#waiter = { resolve, reject };
      if (!this.isTerminal) return;
      // Readline clears from the prompt on, so it must know the prompt even where it may not echo what is typed.
      this.#output.isMuted = isHidden;
      if (isHidden) this.#stderr.write(prompt);
      this.#readline.setPrompt(isHidden ? '' : prompt);
      this.#readline.prompt();
    });
  }

  #take(line: string): void {
    const waiter = this.#waiter;
    if (waiter === null) {
      this.#early.push(line);
      return;
    }
    this.#waiter = null;
    if (this.#output.isMuted && this.isTerminal) this.#stderr.write('\n');
    this.#output.isMuted = true;
    waiter.resolve(line);
  }

  #end(): void {
    this.#isEnded = true;
    if (this.isTerminal && this.#waiter !== null) this.#stderr.write('\n');
    this.#waiter?.resolve(null);
    this.#waiter = null;
  }

  #history(): readonly string[] {
    return [...((this.#readline as unknown as { history?: string[] }).history ?? [])];
  }
}

/** stderr for readline, which thinks it a terminal; muted, it swallows. */
class MutedOutput extends Writable {
  readonly isTTY = true;
  isMuted = true;
  readonly #stream: OutputStream;

  constructor(stream: OutputStream) {
    super();
    this.#stream = stream;
    stream.on('resize', () => this.emit('resize'));
  }

  get columns(): number {
    return this.#stream.columns ?? 80;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.isMuted) this.#stream.write(chunk);
    done();
  }
}

/** All of stdin as text; at most `bytesMax`, null beyond. Rejects with Interrupted. */
export async function readAll(io: Io, bytesMax: number, signal: AbortSignal): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const buffer of stdinChunks(io, signal)) {
    bytes += buffer.length;
    if (bytes > bytesMax) return null;
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Stdin, piece by piece. Ctrl-C ends whoever writes into our pipe too, so an end of stdin beside it is not the end of
 * what was meant: Interrupted is thrown then.
 */
export async function* stdinChunks(io: Io, signal: AbortSignal): AsyncGenerator<Buffer> {
  addAbortSignal(signal, io.stdin as Readable);
  try {
    for await (const chunk of io.stdin) yield Buffer.from(chunk as Buffer | string);
  } catch (error) {
    if (signal.aborted) throw new Interrupted();
    throw error;
  }
  if (signal.aborted) throw new Interrupted();
}
