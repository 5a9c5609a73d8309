/**
 * Cells: the states of one machine, each kept once, and every step from each computed once.
 *
 * Lives here: why the search is fast. Does not live here: any world.
 *
 * A world of the search is a few machines and what is on its way between them. Among a million worlds the same state of one
 * machine stands thousands of times. So a world holds numbers, not states; a state is text, kept once; and a step (state, input)
 * is taken once, by the production core, and remembered. A step is a pure function, so this changes nothing.
 */
import type { Machine, Stamped } from '../../ssmmp/machine/machine.ts';

/** What followed from one input. */
export interface Stepped<Effect> {
  /** Number of the state after it. */
  readonly cell: number;
  readonly effects: readonly Effect[];
  /** When the machine wants a tick; null for never. */
  readonly next: number | null;
}

export interface CellsOptions<State, Effect> {
  /** Forgets what is only history before a state is kept, so that equal futures are one state. */
  readonly forget?: (state: State) => void;
  /** Looks at the state before a step, gives a law that is told what followed: a sentence when it is broken. */
  readonly law?: (before: State) => (after: State, effects: readonly Effect[]) => string | null;
}

/** A law of a machine is broken. */
export class BrokenLaw extends Error {}

export class Cells<State, Input extends Stamped, Effect> {
  private readonly machine: Machine<State, Input, Effect>;
  private readonly options: CellsOptions<State, Effect>;
  private readonly texts: string[] = [];
  private readonly numbers = new Map<string, number>();
  private readonly deadlines: (number | null)[] = [];
  private readonly steps = new Map<string, Stepped<Effect> | string>();

  constructor(machine: Machine<State, Input, Effect>, options: CellsOptions<State, Effect> = {}) {
    this.machine = machine;
    this.options = options;
  }

  /** How many different states were met. */
  get size(): number {
    return this.texts.length;
  }

  /** How many steps were really taken. */
  get stepsTaken(): number {
    return this.steps.size;
  }

  /** The number of a state. */
  keep(state: State): number {
    this.options.forget?.(state);
    const text = JSON.stringify(this.machine.save(state));
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    const cell = this.texts.length;
    this.texts.push(text);
    this.numbers.set(text, cell);
    this.deadlines.push(this.machine.nextDeadline(state));
    return cell;
  }

  /** A copy of a state; the caller may change it. */
  state(cell: number): State {
    return this.machine.load(JSON.parse(this.texts[cell] as string));
  }

  next(cell: number): number | null {
    return this.deadlines[cell] as number | null;
  }

  /** Steps from a state. `key` names the input: the same key, the same input. Throws BrokenLaw. */
  step(cell: number, key: string, input: () => Input): Stepped<Effect> {
    const name = `${cell} ${key}`;
    let stepped = this.steps.get(name);
    if (stepped === undefined) {
      stepped = this.take(cell, input());
      this.steps.set(name, stepped);
    }
    if (typeof stepped === 'string') throw new BrokenLaw(stepped);
    return stepped;
  }

  private take(cell: number, input: Input): Stepped<Effect> | string {
    const state = this.state(cell);
    const law = this.options.law?.(state);
    const { effects } = this.machine.step(state, input);
    const broken = law?.(state, effects) ?? null;
    if (broken !== null) return `${this.machine.name}: ${broken}`;
    const after = this.keep(state);
    return { cell: after, effects, next: this.deadlines[after] as number | null };
  }
}

/** Texts as numbers. */
export class Words {
  private readonly texts: string[] = [];
  private readonly numbers = new Map<string, number>();

  number(text: string): number {
    let number = this.numbers.get(text);
    if (number === undefined) {
      number = this.texts.length;
      this.texts.push(text);
      this.numbers.set(text, number);
    }
    return number;
  }

  text(number: number): string {
    return this.texts[number] as string;
  }
}
