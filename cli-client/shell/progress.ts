/** The progress bar of a transfer: on a terminal's stderr, and nothing at all anywhere else. */
import { SingleBar } from 'cli-progress';
import { visible } from '../core/visible.ts';
import type { Io } from './io.ts';

/** Shown for files from this size on; smaller ones are done before anybody could read it. */
const SHOWN_FROM_BYTES = 256 * 1024;

export interface Progress {
  at(bytes: number): void;
  stop(): void;
}

export function startProgress(io: Io, name: string, size: number): Progress {
  if (!io.stderr.isTTY || size < SHOWN_FROM_BYTES) return { at: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    format: '{name} {bar} {percentage}% of {mebibytes} MiB, {eta_formatted} left',
    stream: io.stderr,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    barCompleteChar: '#',
    barIncompleteChar: '-',
    barsize: 30,
  });
  bar.start(size, 0, { name: visible(name), mebibytes: (size / 2 ** 20).toFixed(1) });
  return { at: (bytes) => bar.update(bytes), stop: () => bar.stop() };
}
