/**
 * When which fault comes: drawn from the seed as the run goes on, or given.
 *
 * Lives here: drawing steps one after another, making them happen, undoing them, healing everything. Does not live here:
 * what a fault does (faults/). The steps that were drawn are kept, so that a failing run can be run again with some
 * of them taken out.
 */
import { faultNamed } from './faults/table.ts';
import type { PlanStep } from './faults/fault.ts';
import { Random } from './random.ts';
import type { Swarm } from './swarm.ts';
import type { World } from './world.ts';

/** A fault that happened, for the trace and the counts. */
export interface Happened {
  /** Its number in the seed's plan, counted from 0. */
  readonly index: number;
  readonly step: PlanStep;
  readonly atUs: number;
  readonly text: string;
}

const SECOND_US = 1_000_000;
/** The cluster has this long to come up before the first fault, at most. */
const BEGIN_US_MAX = 2 * SECOND_US;

export class Plan {
  readonly happened: Happened[] = [];
  /** How often each fault happened. */
  readonly counts = new Map<string, number>();
  /** Called for each fault and undo, for the trace. */
  tell: (text: string) => void = () => undefined;
  private readonly world: World;
  private readonly draw: () => PlanStep | null;
  private readonly only: ReadonlySet<number> | null;
  private drawn = -1;
  private coming: PlanStep | null = null;
  private readonly undos = new Map<number, { readonly text: string; readonly undo: () => void }>();
  private lastUndo = 0;
  private isOver = false;

  /** With `only`, of the seed's steps those happen that have these numbers. */
  constructor(world: World, swarm: Swarm, only: readonly number[] | null) {
    this.world = world;
    this.draw = drawer(swarm, world.nowUs);
    this.only = only === null ? null : new Set(only);
    world.onPlan = (event) => (event.kind === 'plan' ? this.happen() : this.undo(event.undo));
    this.schedule();
  }

  /** No fault any more, and everything that was done is undone. */
  heal(): void {
    this.isOver = true;
    for (const id of [...this.undos.keys()]) this.undo(id);
    const { world } = this;
    for (const node of world.nodes) if (!node.isOn) world.powerOn(node.index);
    world.restartManager();
    for (const { index } of world.nodes.slice(1)) world.restartAgent(index);
  }

  private schedule(): void {
    this.coming = this.next();
    if (this.coming !== null) this.world.at(this.coming.atUs, { kind: 'plan' });
  }

  private next(): PlanStep | null {
    const last = this.only === null ? Infinity : Math.max(-1, ...this.only);
    while (this.drawn < last) {
      const step = this.draw();
      this.drawn += 1;
      if (step === null || this.only === null || this.only.has(this.drawn)) return step;
    }
    return null;
  }

  private happen(): void {
    const step = this.coming;
    if (this.isOver || step === null) return;
    const fault = faultNamed(step.fault);
    const done = fault.begin(this.world, step);
    if (done !== null) {
      this.counts.set(fault.name, (this.counts.get(fault.name) ?? 0) + 1);
      this.happened.push({ index: this.drawn, step, atUs: this.world.nowUs, text: done.text });
      this.tell(done.text);
      if (done.undo !== null) this.keep(done.text, done.undo, step.lastsUs);
    }
    this.schedule();
  }

  private keep(text: string, undo: () => void, lastsUs: number): void {
    const id = (this.lastUndo += 1);
    this.undos.set(id, { text, undo });
    this.world.after(lastsUs, { kind: 'undo', undo: id });
  }

  private undo(id: number): void {
    const entry = this.undos.get(id);
    this.undos.delete(id);
    if (entry === undefined) return;
    this.tell(`undone: ${entry.text}`);
    entry.undo();
  }
}

function drawer(swarm: Swarm, beginUs: number): () => PlanStep | null {
  const chance = new Random(swarm.world.seed, 'plan');
  let atUs = beginUs + chance.between(0, BEGIN_US_MAX);
  const total = swarm.rates.reduce((sum, { rate }) => sum + rate, 0);
  if (total === 0) return () => null;
  return () => {
    // Even waits, from none to twice the mean: no logarithm, which machines may round each in their own way.
    atUs += Math.floor((chance.next() * 2 * SECOND_US) / total);
    let left = chance.next() * total;
    const entry = swarm.rates.find(({ rate }) => (left -= rate) <= 0) ?? swarm.rates[0];
    if (entry === undefined) return null;
    const [least, most] = entry.fault.lastsUs;
    const share = chance.next();
    const lastsUs = Math.floor(least + share * share * (most - least));
    return { atUs, fault: entry.fault.name, target: chance.next(), size: chance.next(), lastsUs };
  };
}
