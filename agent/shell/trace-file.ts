/**
 * The trace: every SSMMP message that this agent saw, one JSON line each in `trace.jsonl`.
 *
 * Lives here: the format of a line, which `ssmmp trace` reads and merges with the Manager's. Does not live here:
 * what is traced (the core's `trace` effects).
 *
 * Health messages are written some seconds late, unless another message takes them along: `ssmmp trace` may miss the last
 * of them on the hop to an instance, and nothing else. They are not even put into words before: an idle agent sees some at
 * every beat, and to write dozens in a row costs it a fraction of what writing one costs whenever it wakes up.
 */
import { isHealthLine } from '../../ssmmp/core/exchange.ts';
import type { AgentEffect } from '../core/effects.ts';
import { RotatingFile } from './rotating-file.ts';

/** The trace and the one before it take at most twice this. */
const TRACE_BYTES_MAX = 64 * 1024 * 1024;
/** A health message that comes so long after the first that waits takes them all to the file, in milliseconds. */
export const HEALTH_WAIT_MS = 4000;
/** Where none comes, they are written after this long; an idle agent need not wake up for it. */
export const HEALTH_WAIT_MS_MAX = 6000;
/** So many wait at most. */
export const HEALTH_WAITING_MAX = 1024;

type Traced = Extract<AgentEffect, { kind: 'trace' }>;

export class TraceFile {
  readonly #file: RotatingFile;
  #waiting: Traced[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(path: string, tell: (sentence: string) => void) {
    this.#file = new RotatingFile(path, TRACE_BYTES_MAX, tell);
  }

  add(traced: Traced): void {
    if (!isHealthLine(traced.line)) {
      this.#write();
      this.#file.add(textOf(traced));
      return;
    }
    const first = this.#waiting[0];
    this.#waiting.push(traced);
    if (first === undefined) this.#timer = setTimeout(() => this.#writeNow(), HEALTH_WAIT_MS_MAX);
    else if (traced.at - first.at >= HEALTH_WAIT_MS || this.#waiting.length >= HEALTH_WAITING_MAX) this.#writeNow();
  }

  close(): void {
    this.#write();
    this.#file.close();
  }

  #writeNow(): void {
    this.#write();
    this.#file.flush();
  }

  #write(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#waiting.length === 0) return;
    for (const traced of this.#waiting) this.#file.add(textOf(traced));
    this.#waiting = [];
  }
}

function textOf({ at, hop, from, to, exchange, line }: Traced): string {
  return JSON.stringify({ time: new Date(at).toISOString(), hop, from, to, exchange, message: line });
}
