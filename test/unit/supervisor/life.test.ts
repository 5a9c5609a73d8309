/** The supervisor's machine: when it starts, asks, kills and starts again; and that there is never a second Manager. */
import { expect } from 'chai';
import fc from 'fast-check';
import { DEFAULT_TIMERS, MANAGER_MISSES_MAX } from '../../../ssmmp/core/timers.ts';
import type { SupervisorEffect } from '../../../supervisor/core/effects.ts';
import type { ManagerProcess, SupervisorInput } from '../../../supervisor/core/inputs.ts';
import { brokenInvariant } from '../../../supervisor/core/invariants.ts';
import { newSupervisorState } from '../../../supervisor/core/state.ts';
import { supervisorMachine } from '../../../supervisor/core/step.ts';

type Said = SupervisorInput extends infer I ? (I extends SupervisorInput ? Omit<I, 'at'> : never) : never;

/** The machine with a clock in hand. */
class Bench {
  now = 1_000_000;
  state = newSupervisorState();
  all: SupervisorEffect[] = [];

  say(input: Said): SupervisorEffect[] {
    const { effects } = supervisorMachine.step(this.state, { ...input, at: this.now } as SupervisorInput);
    expect(brokenInvariant(this.state)).to.equal(null);
    this.all.push(...effects);
    return [...effects];
  }

  /** Lets time pass, with a tick at every deadline. */
  pass(ms: number): SupervisorEffect[] {
    const end = this.now + ms;
    const effects: SupervisorEffect[] = [];
    for (;;) {
      const due = supervisorMachine.nextDeadline(this.state);
      if (due === null || due > end) break;
      this.now = Math.max(this.now, due);
      effects.push(...this.say({ kind: 'tick' }));
    }
    this.now = end;
    return effects;
  }

  get run(): number {
    return this.state.run;
  }

  start(found: ManagerProcess | null = null): SupervisorEffect[] {
    return this.say({ kind: 'supervisor_started', timerScale: 1, found });
  }

  /** A Manager that runs and answers. */
  serving(): this {
    this.start();
    this.spawned();
    this.answer();
    return this;
  }

  spawned(): void {
    this.say({ kind: 'manager_spawned', run: this.run, process: { pid: 100 + this.run, startTime: String(this.run) } });
  }

  answer(): SupervisorEffect[] {
    return this.say({ kind: 'manager_answered', run: this.run });
  }

  died(how = 'signal SIGKILL', isRefusal = false): SupervisorEffect[] {
    return this.say({ kind: 'manager_ended', run: this.run, how, isRefusal });
  }
}

const kinds = (effects: readonly SupervisorEffect[]): string[] => effects.map(({ kind }) => kind);

describe('the supervisor’s machine', () => {
  it('starts a Manager where none runs, and tells when it serves', () => {
    const bench = new Bench();
    expect(kinds(bench.start())).to.deep.equal(['spawn']);
    bench.spawned();
    expect(bench.answer()).to.deep.equal([{ kind: 'serving', pid: 101, restarts: 0 }]);
    expect(bench.answer()).to.deep.equal([]);
  });

  it('takes over a Manager that runs, and starts none beside it', () => {
    const bench = new Bench();
    const effects = bench.start({ pid: 77, startTime: '5' });
    expect(effects[0]).to.deep.equal({ kind: 'adopt', run: 1, pid: 77, startTime: '5' });
    expect(kinds(effects)).to.not.include('spawn');
    expect(bench.answer()).to.deep.equal([{ kind: 'serving', pid: 77, restarts: 0 }]);
    expect(kinds(bench.died())).to.deep.equal(['log', 'spawn']);
  });

  it('starts it again at once when it dies, later when it dies again and again, at once when it has run for a while', () => {
    const bench = new Bench().serving();
    expect(kinds(bench.died())).to.deep.equal(['log', 'spawn']);
    bench.spawned();
    expect(kinds(bench.died())).to.deep.equal(['log']);
    expect(kinds(bench.pass(199))).to.deep.equal([]);
    expect(kinds(bench.pass(1))).to.deep.equal(['spawn']);
    bench.spawned();
    bench.answer();
    for (let beat = 0; beat < 20; beat += 1) {
      bench.pass(DEFAULT_TIMERS.managerProbeMs);
      bench.answer();
    }
    expect(kinds(bench.died())).to.deep.equal(['log', 'spawn']);
  });

  it('kills a Manager that hangs, and starts the next after proof of its death only', () => {
    const bench = new Bench().serving();
    const effects = bench.pass((MANAGER_MISSES_MAX + 1) * DEFAULT_TIMERS.managerProbeMs);
    expect(effects.filter(({ kind }) => kind === 'signal')).to.deep.equal([
      { kind: 'signal', run: 1, signal: 'SIGKILL' },
    ]);
    // it does not die for ten minutes (its disk hangs): killed again and again, none started
    expect(kinds(bench.pass(600_000)))
      .to.include('signal')
      .and.not.include('spawn');
    expect(kinds(bench.answer())).to.deep.equal([]);
    expect(kinds(bench.died())).to.include('spawn');
  });

  it('a journal that grows is an answer of a Manager that serves, not of one that starts nor of one it took over', () => {
    const bench = new Bench();
    const asked = (): boolean[] =>
      bench
        .pass(DEFAULT_TIMERS.managerProbeMs)
        .flatMap((effect) => (effect.kind === 'probe' ? [effect.isJournalEnough] : []));
    bench.start();
    bench.spawned();
    expect(asked()).to.include(false).and.not.include(true);
    bench.answer();
    expect(asked()).to.deep.equal([true]);
    const other = new Bench();
    expect(other.start({ pid: 7, startTime: '7' })).to.deep.include({ kind: 'probe', run: 1, isJournalEnough: false });
  });

  it('answers between misses make it well again; a supervisor that slept for an hour kills nobody', () => {
    const bench = new Bench().serving();
    for (let round = 0; round < 5; round += 1) {
      bench.pass((MANAGER_MISSES_MAX - 1) * DEFAULT_TIMERS.managerProbeMs);
      bench.answer();
    }
    expect(kinds(bench.all)).to.not.include('signal');
    bench.now += 3_600_000;
    bench.say({ kind: 'tick' });
    bench.answer();
    expect(kinds(bench.all)).to.not.include('signal');
  });

  it('gives a start the time to read a long journal, and not for ever', () => {
    const bench = new Bench();
    bench.start();
    bench.spawned();
    expect(kinds(bench.pass(DEFAULT_TIMERS.managerStartMs - 1))).to.not.include('signal');
    expect(kinds(bench.pass(1))).to.include('signal');
  });

  it('ends with the reason when the very first Manager refuses to start; a later one is tried again', () => {
    const first = new Bench();
    first.start();
    first.spawned();
    expect(first.died('exit code 1: port taken', true)).to.deep.equal([
      { kind: 'stop', code: 1, why: 'the Manager could not start (exit code 1: port taken)' },
    ]);
    const later = new Bench().serving();
    later.died();
    later.spawned();
    expect(kinds(later.died('exit code 1: no room', true))).to.not.include('stop');
    expect(kinds(later.pass(200))).to.include('spawn');
  });

  it('told to stop, it ends the Manager first, kindly, then not', () => {
    const bench = new Bench().serving();
    expect(bench.say({ kind: 'stop_requested' })).to.deep.equal([{ kind: 'signal', run: 1, signal: 'SIGTERM' }]);
    expect(bench.pass(DEFAULT_TIMERS.managerEndMs)).to.deep.equal([{ kind: 'signal', run: 1, signal: 'SIGKILL' }]);
    expect(kinds(bench.died())).to.deep.equal(['stop']);
    expect(kinds(bench.pass(60_000))).to.deep.equal([]);
  });

  it('a late word about a process that is gone meets nobody', () => {
    const bench = new Bench().serving();
    bench.died();
    bench.spawned();
    expect(bench.say({ kind: 'manager_ended', run: 1, how: 'again', isRefusal: false })).to.deep.equal([]);
    expect(bench.say({ kind: 'manager_answered', run: 1 })).to.deep.equal([]);
    expect(bench.state.status).to.equal('starting');
  });

  it('whatever happens: no start before the death of the one before, a saved state goes on alike', () => {
    const word = fc.constantFrom('spawned', 'answer', 'died', 'refused', 'failed', 'tick', 'stop', 'save');
    fc.assert(
      fc.property(fc.array(fc.tuple(word, fc.nat(4000)), { maxLength: 60 }), fc.boolean(), (words, isFound) => {
        const bench = new Bench();
        bench.start(isFound ? { pid: 9, startTime: null } : null);
        let living = true;
        for (const [what, waitMs] of words) {
          const before = bench.all.length;
          if (what === 'spawned') bench.spawned();
          else if (what === 'answer') bench.answer();
          else if (what === 'died') bench.died();
          else if (what === 'refused') bench.died('exit code 1', true);
          else if (what === 'failed') bench.say({ kind: 'spawn_failed', run: bench.run, why: 'no process' });
          else if (what === 'tick') bench.pass(waitMs);
          else if (what === 'stop') bench.say({ kind: 'stop_requested' });
          else bench.state = supervisorMachine.load(JSON.parse(JSON.stringify(supervisorMachine.save(bench.state))));
          if (what === 'died' || what === 'refused' || what === 'failed') living = false;
          for (const effect of bench.all.slice(before))
            if (effect.kind === 'spawn') {
              expect(living, 'a second Manager').to.equal(false);
              living = true;
            }
        }
      }),
      { numRuns: 300 },
    );
  });
});
