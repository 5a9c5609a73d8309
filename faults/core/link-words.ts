/**
 * What the front and a link process say to each other.
 *
 * Lives here: the closed unions. Does not live here: how they travel (Node's channel between a process and its child).
 */
import type { LinkShape } from './shape.ts';
import type { Decision, HoldRequest } from './wire.ts';

export interface Place {
  readonly address: string;
  readonly port: number;
}

/** To the link process. Each is answered with its `seq`. */
export type LinkOrder =
  /**
   * Listen at a port of `listen` and pass everything on to `to`, from the address `from`. `lines`: what passes are SSMMP
   * lines, which can be held. Answered with the port.
   */
  | {
      readonly do: 'open';
      readonly link: string;
      readonly listen: string;
      readonly to: Place;
      readonly from: string | null;
      readonly lines: boolean;
    }
  | { readonly do: 'shape'; readonly link: string; readonly shape: LinkShape }
  /** What may not pass: up is from the one that connects, down from the one that listens. */
  | { readonly do: 'cut'; readonly link: string; readonly up: boolean; readonly down: boolean }
  | { readonly do: 'hold'; readonly hold: HoldRequest }
  | { readonly do: 'decide'; readonly id: string; readonly decision: Decision }
  | { readonly do: 'forget'; readonly id: string }
  /** Resolves with 1 once something came down the link since it was opened, with 0 after `waitMs`. */
  | { readonly do: 'await'; readonly link: string; readonly waitMs: number };

/** From the link process. */
export type LinkWord =
  | { readonly say: 'answer'; readonly seq: number; readonly value: number }
  | { readonly say: 'refused'; readonly seq: number; readonly why: string }
  | { readonly say: 'held'; readonly id: string; readonly link: string; readonly line: string }
  | { readonly say: 'done'; readonly id: string; readonly decision: Decision };
