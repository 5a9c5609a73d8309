/**
 * Chance that repeats: every draw of a run comes from its seed.
 *
 * Lives here: one small generator (sfc32) and what is drawn from it. Does not live here: what a draw decides. Each part of
 * the simulator draws from a stream of its own, named after it, so that one draw more in the network does not change
 * which faults a seed has: without that, no trace could be shrunk. Only 32-bit integer arithmetic, so every machine draws
 * the same.
 */

/** A stream of numbers, the same for the same seed and name. */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d = 1;

  constructor(seed: number, stream: string) {
    let hash = 0x811c9dc5;
    for (let at = 0; at < stream.length; at += 1) hash = Math.imul(hash ^ stream.charCodeAt(at), 0x01000193);
    this.a = seed | 0;
    this.b = Math.floor(seed / 0x100000000) | 0;
    this.c = hash | 0;
    for (let round = 0; round < 12; round += 1) this.word();
  }

  /** A number from 0 to 1, 1 excluded. */
  next(): number {
    return (this.word() >>> 0) / 0x100000000;
  }

  /** True in a share `chance` of all draws. */
  chance(chance: number): boolean {
    return chance > 0 && this.next() < chance;
  }

  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** One of them; throws when there is none. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('nothing to pick from');
    return items[Math.floor(this.next() * items.length)] as T;
  }

  /** Where the stream is, and back: for `World.save`. */
  save(): readonly [number, number, number, number] {
    return [this.a, this.b, this.c, this.d];
  }

  load([a, b, c, d]: readonly [number, number, number, number]): void {
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = d;
  }

  private word(): number {
    const sum = (this.a + this.b + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (this.c << 21) | (this.c >>> 11);
    this.c = (this.c + sum) | 0;
    return sum;
  }
}
