/**
 * The hash of a run: every step of every machine goes into it.
 *
 * Lives here: two FNV-1a sums over what happened. Does not live here: what happened. Same seed, same hash, on any
 * machine: that is the promise that a failing seed can be handed on.
 */
import type { Stepped } from './process.ts';

interface Line {
  readonly kind: string;
  readonly line?: string;
}

export class TraceHash {
  private a = 0x811c9dc5 | 0;
  private b = 0x01000193 | 0;

  step(nowUs: number, { process, input, effects }: Stepped): void {
    this.number(nowUs % 0x7fffffff);
    this.number(process.pid);
    this.add(input as Line);
    for (const effect of effects as readonly Line[]) this.add(effect);
  }

  /** 16 hexadecimal digits. */
  text(): string {
    return [this.a, this.b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  private add({ kind, line }: Line): void {
    this.string(kind);
    if (line !== undefined) this.string(line);
  }

  private string(text: string): void {
    for (let at = 0; at < text.length; at += 1) this.a = Math.imul(this.a ^ text.charCodeAt(at), 0x01000193);
    this.b = Math.imul(this.b ^ this.a, 0x85ebca6b);
  }

  private number(value: number): void {
    this.a = Math.imul(this.a ^ value, 0x01000193);
    this.b = (this.b + this.a) | 0;
  }
}
