/**
 * All links of one process, and the wire they share.
 *
 * Lives here: orders carried out. Does not live here: the channel they come by (faults/main.ts), bytes (link.ts).
 */
import type { LinkOrder, LinkWord } from '../core/link-words.ts';
import { drawFrom } from '../core/shape.ts';
import { Wire, type WireEffect } from '../core/wire.ts';
import { Link } from './link.ts';

export class LinkHost {
  readonly #links = new Map<string, Link>();
  readonly #wire = new Wire();
  readonly #say: (word: LinkWord) => void;
  readonly #draw: () => number;

  constructor(say: (word: LinkWord) => void, seed: number) {
    this.#say = say;
    this.#draw = drawFrom(seed);
  }

  /** Carries one order out; the number it is answered with. Rejects with a sentence. */
  async obey(order: LinkOrder): Promise<number> {
    switch (order.do) {
      case 'open':
        return await this.#open(order);
      case 'shape':
        this.#link(order.link).setShape(order.shape);
        return 0;
      case 'cut':
        this.#link(order.link).setCut(order);
        return 0;
      case 'hold':
        this.#wire.arm(order.hold);
        return 0;
      case 'decide':
        return this.#perform(this.#wire.decide(order.id, order.decision));
      case 'forget':
        return this.#perform(this.#wire.forget(order.id));
      case 'await':
        return await this.#link(order.link).awaitDown(order.waitMs);
    }
  }

  async #open({ link: name, listen, to, from, lines }: Extract<LinkOrder, { do: 'open' }>): Promise<number> {
    const link = new Link({
      listen,
      to,
      from,
      onLine: lines ? (direction, line) => void this.#perform(this.#wire.line(name, direction, line)) : null,
      onEnd: () => void this.#perform(this.#wire.ended(name)),
      draw: this.#draw,
    });
    const port = await link.open();
    this.#links.set(name, link);
    return port;
  }

  #perform(effects: readonly WireEffect[]): number {
    for (const effect of effects)
      switch (effect.kind) {
        case 'send':
          this.#links.get(effect.link)?.sendLines(effect.direction, effect.lines);
          break;
        case 'held':
          this.#say({ say: 'held', id: effect.id, link: effect.link, line: effect.line });
          break;
        case 'done':
          this.#say({ say: 'done', id: effect.id, decision: effect.decision });
          break;
      }
    return effects.length;
  }

  #link(name: string): Link {
    const link = this.#links.get(name);
    if (link === undefined) throw new Error(`there is no link '${name}'`);
    return link;
  }
}
