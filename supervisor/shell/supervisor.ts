/**
 * The supervisor's shell: everything real around the core, put together.
 *
 * Lives here: the order of a start and of a stop, performing effects. Does not live here: any decision (supervisor/core).
 *
 * Start: lock, then the Manager that runs already or a new one. The mirror follows beside all that: it never delays a
 * start, and is as good as the last moment before a death. Stop: the Manager first, then the last of the mirror.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startClock } from '../../ssmmp/shell/clock.ts';
import { Driver } from '../../ssmmp/shell/driver.ts';
import { JournalFollower, LOOK_MS } from '../../ssmmp/shell/journal-follower.ts';
import type { Logger } from '../../ssmmp/shell/log.ts';
import { removePidFile, writePidFile } from '../../ssmmp/shell/process-identity.ts';
import { takeLock } from '../../ssmmp/shell/process-lock.ts';
import type { SupervisorEffect } from '../core/effects.ts';
import type { SupervisorInput } from '../core/inputs.ts';
import { newSupervisorState, type SupervisorState } from '../core/state.ts';
import { supervisorMachine } from '../core/step.ts';
import { findManager, ManagerHandle } from './manager-process.ts';
import type { SupervisorOptions } from './options.ts';
import { Pulse } from './pulse.ts';

export const PID_FILE = 'supervisor.pid';
/** The Manager's journal in its state directory. */
const JOURNAL_FOLDER = 'journal';

/** Something a person has to mend; its message is the sentence. */
export class StartError extends Error {}

export interface RunningSupervisor {
  /** Ends the Manager, then the supervisor. */
  stop(): void;
  /** The exit code, once it has ended. */
  readonly ended: Promise<number>;
}

/** Starts a supervisor, and with it a Manager where none runs. Throws StartError. */
export function startSupervisor(options: SupervisorOptions, log: Logger): RunningSupervisor {
  const { stateDir, mirror: mirrorFolder } = options;
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const lock = takeLock(stateDir, 'supervisor', 'supervisor');
  if (!lock.ok) throw new StartError(lock.problem);
  const pidFile = join(stateDir, PID_FILE);
  writePidFile(pidFile);

  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => (end = resolve));
  const mirror = new JournalFollower({
    folder: join(stateDir, JOURNAL_FOLDER),
    mirror: mirrorFolder,
    tell: (sentence) => log.error(`the mirror of the journal: ${sentence}`),
  });
  const driver: Driver<SupervisorState, SupervisorInput, SupervisorEffect> = new Driver(
    supervisorMachine,
    newSupervisorState(),
    { now: startClock(), perform: (effect) => perform(effect), tick: () => ({ kind: 'tick' }) },
  );
  const manager = new ManagerHandle(options, {
    spawned: (run, process) => driver.input({ kind: 'manager_spawned', run, process }),
    failed: (run, why) => driver.input({ kind: 'spawn_failed', run, why }),
    ended: (run, how, isRefusal) => driver.input({ kind: 'manager_ended', run, how, isRefusal }),
  });
  const pulse = new Pulse(options.operator, () => manager.look());

  function perform(effect: SupervisorEffect): void {
    switch (effect.kind) {
      case 'spawn':
        pulse.forget();
        mirror.look(); // the last words of the one before
        return manager.spawn(effect.run);
      case 'adopt':
        return manager.adopt(effect.run, effect);
      case 'probe': {
        const { run, isJournalEnough } = effect;
        const answered = (): void => driver.input({ kind: 'manager_answered', run });
        const hasWritten = mirror.look();
        return isJournalEnough && hasWritten ? answered() : pulse.ask(answered);
      }
      case 'signal':
        return manager.signal(effect.run, effect.signal);
      case 'serving':
        return log.info({ pid: effect.pid, restarts: effect.restarts }, `the Manager (pid ${effect.pid}) serves`);
      case 'log':
        return log[effect.level](effect.text);
      case 'stop':
        return void finish(effect.code, effect.why);
    }
  }

  async function finish(code: number, why: string): Promise<void> {
    if (code === 0) log.info(`the supervisor ends: ${why}`);
    else log.fatal(why);
    driver.stop();
    pulse.forget();
    await mirror.stop();
    removePidFile(pidFile);
    if (lock.ok) lock.release();
    end(code);
  }

  driver.input({ kind: 'supervisor_started', timerScale: options.timerScale, found: findManager(stateDir) });
  // Questions that come as often look at the journal by themselves: one waking up for both.
  if (driver.state.timers.managerProbeMs > LOOK_MS) mirror.start();
  return { stop: () => driver.input({ kind: 'stop_requested' }), ended };
}
