/**
 * What the users do: the mix of kinds, and chance from a seed.
 *
 * Lives here: reading `post=1,read=4,file=0`, the next kind, texts and bytes. Does not live here: sending, waiting.
 */

/** What a user does in one go; `file` uploads one, lists and downloads it. */
export type WorkKind = 'post' | 'read' | 'file';

export const WORK_KINDS: readonly WorkKind[] = ['post', 'read', 'file'];

/** Weights; a kind is chosen as often as its weight says. */
export type Mix = Readonly<Record<WorkKind, number>>;

export const DEFAULT_MIX: Mix = { post: 1, read: 4, file: 0 };
const WEIGHT_MAX = 1_000_000;

/** Reads a mix such as `post=1,read=4`; what is not named is 0. A sentence when it is none. */
export function readMix(text: string): Mix | string {
  const mix: Record<WorkKind, number> = { post: 0, read: 0, file: 0 };
  for (const piece of text.split(',')) {
    const [, name = '', weight = ''] = /^\s*(\w+)=(\d+)\s*$/.exec(piece) ?? [];
    const kind = WORK_KINDS.find((known) => known === name);
    if (kind === undefined || Number(weight) > WEIGHT_MAX)
      return `expected kinds and weights such as post=1,read=4,file=0, found '${piece}'`;
    mix[kind] = Number(weight);
  }
  return WORK_KINDS.some((kind) => mix[kind] > 0) ? mix : 'all weights are 0, so there would be nothing to do';
}

/** Numbers that look like chance; the same seed gives the same ones (mulberry32). */
export class Chance {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** From 0 to 1, without 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }
}

/** The next thing to do. */
export function chooseKind(mix: Mix, chance: Chance): WorkKind {
  let left = chance.next() * WORK_KINDS.reduce((sum, kind) => sum + mix[kind], 0);
  for (const kind of WORK_KINDS) {
    left -= mix[kind];
    if (left < 0) return kind;
  }
  return 'read';
}

/** Pauses of people differ: from nothing to twice the mean, in milliseconds. */
export function thinkTimeMs(meanMs: number, chance: Chance): number {
  return 2 * meanMs * chance.next();
}

/** Bytes of a file. */
export function fileBytes(size: number, chance: Chance): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 1) bytes[at] = chance.below(256);
  return bytes;
}
