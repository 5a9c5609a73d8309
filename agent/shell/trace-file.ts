/**
 * The trace: every SSMMP message that this agent saw, one JSON line each in `trace.jsonl`.
 *
 * Lives here: the format of a line, which `ssmmp trace` reads and merges with the Manager's. Does not live here:
 * what is traced (the core's `trace` effects).
 *
 * Health messages are written some seconds late, unless another message takes them along: `ssmmp trace` may miss the last
 * of them on the hop to an instance, and nothing else.
 */
import { isHealthLine } from '../../ssmmp/core/exchange.ts';
import type { AgentEffect } from '../core/effects.ts';
import { RotatingFile } from './rotating-file.ts';

/** The trace and the one before it take at most twice this. */
const TRACE_BYTES_MAX = 64 * 1024 * 1024;

export class TraceFile {
  readonly #file: RotatingFile;

  constructor(path: string, tell: (sentence: string) => void) {
    this.#file = new RotatingFile(path, TRACE_BYTES_MAX, tell);
  }

  add({ at, hop, from, to, exchange, line }: Extract<AgentEffect, { kind: 'trace' }>): void {
    const time = new Date(at).toISOString();
    this.#file.add(JSON.stringify({ time, hop, from, to, exchange, message: line }), isHealthLine(line));
  }

  close(): void {
    this.#file.close();
  }
}
