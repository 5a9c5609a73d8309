/** The loop around a machine: stamp, step, journal, flush, perform, in this order, in groups. */
import { expect } from 'chai';
import { setImmediate as turn } from 'node:timers/promises';
import type { Machine } from '../../../ssmmp/machine/machine.ts';
import {
  Driver,
  UNCOMMITTED_BYTES_MAX,
  UNCOMMITTED_STEPS_MAX,
  type DriverOptions,
  type JournalWriter,
} from '../../../ssmmp/shell/driver.ts';

interface Input {
  readonly kind: 'say' | 'tick';
  readonly at: number;
  readonly text?: string;
  readonly flush?: boolean;
}
interface State {
  readonly said: string[];
  deadline: number | null;
}

const echo: Machine<State, Input, string> = {
  name: 'echo',
  version: 1,
  step(state, { kind, text, flush }) {
    if (kind === 'tick') state.deadline = null;
    state.said.push(text ?? kind);
    return { effects: [text ?? kind], flush: flush ?? false };
  },
  nextDeadline: ({ deadline }) => deadline,
  save: (state) => state,
  load: (saved) => saved as State,
};

/** A disk that is done when the test says so. */
class SlowJournal implements JournalWriter {
  readonly log: string[] = [];
  private pending: string[] = [];
  private release: ((error: Error | null) => void) | null = null;

  append(_input: unknown, effects: readonly unknown[]): void {
    this.pending.push(effects.join());
  }

  commit(flush: boolean): Promise<void> | undefined {
    this.log.push(`${flush ? 'flush' : 'write'} ${this.pending.join(' ')}`);
    this.pending = [];
    if (!flush) return undefined;
    return new Promise((resolve, reject) => {
      this.release = (error) => (error === null ? resolve() : reject(error));
    });
  }

  async finish(error: Error | null = null): Promise<void> {
    this.release?.(error);
    await turn();
    await turn();
  }
}

function drive(journal?: JournalWriter, more: Partial<DriverOptions<Input, string>> = {}) {
  const performed: string[] = [];
  const state: State = { said: [], deadline: null };
  const driver = new Driver<State, Input, string>(echo, state, {
    now: () => 7,
    perform: (effect) => performed.push(effect),
    tick: () => ({ kind: 'tick' }),
    ...(journal === undefined ? {} : { journal }),
    ...more,
  });
  const say = (text: string, flush = false): void => driver.input({ kind: 'say', text, flush });
  return { driver, performed, state, say };
}

describe('the driver', function () {
  this.timeout(20_000);
  it('performs at once without a journal, what performing causes after it', () => {
    const { driver, performed, say } = drive(undefined, {
      perform: (effect) => {
        performed.push(effect);
        if (effect === 'one') say('two');
      },
    });
    say('one');
    say('three');
    expect(performed).to.deep.equal(['one', 'two', 'three']);
    driver.stop();
  });

  it('performs nothing before it is on the disk', async () => {
    const journal = new SlowJournal();
    const { driver, performed, say, state } = drive(journal);
    say('a', true);
    await turn();
    expect([state.said, performed]).to.deep.equal([['a'], []]);
    await journal.finish();
    expect(performed).to.deep.equal(['a']);
    driver.stop();
  });

  it('shares one flush among the inputs of a turn, and the next among those that come meanwhile', async () => {
    const journal = new SlowJournal();
    const { driver, performed, say } = drive(journal);
    say('a', true);
    say('b', true);
    await turn();
    say('c', true);
    await turn();
    say('d', true);
    expect(journal.log).to.deep.equal(['flush a b']);
    await journal.finish();
    expect([journal.log, performed]).to.deep.equal([
      ['flush a b', 'flush c d'],
      ['a', 'b'],
    ]);
    await journal.finish();
    expect(performed).to.deep.equal(['a', 'b', 'c', 'd']);
    driver.stop();
  });

  it('is congested while records of too many bytes wait for the disk, however few they are', async () => {
    const congested: boolean[] = [];
    const journal = Object.assign(new SlowJournal(), { unwrittenBytes: 0 });
    const { driver, say } = drive(journal, { congested: (isCongested) => congested.push(isCongested) });
    say('a', true);
    await turn();
    say('b', true);
    journal.unwrittenBytes = UNCOMMITTED_BYTES_MAX + 1;
    expect(congested).to.deep.equal([]);
    say('c', true);
    say('d', true);
    expect(congested).to.deep.equal([true]);
    journal.unwrittenBytes = 0; // the next commit writes them
    await journal.finish();
    expect(congested).to.deep.equal([true, false]);
    driver.stop();
  });

  it('does not wait for the disk when no step needs it, and keeps the order when an earlier one does', async () => {
    const journal = new SlowJournal();
    const { driver, performed, say } = drive(journal);
    say('alive');
    await turn();
    expect([journal.log, performed]).to.deep.equal([['write alive'], ['alive']]);
    say('grant', true);
    await turn();
    say('alive again');
    await turn();
    await turn();
    expect(performed).to.deep.equal(['alive']);
    await journal.finish();
    expect(performed).to.deep.equal(['alive', 'grant', 'alive again']);
    driver.stop();
  });

  it('takes inputs that performing causes', async () => {
    const journal = new SlowJournal();
    const { driver, performed, say } = drive(journal, {
      perform: (effect, at) => {
        performed.push(`${effect}@${at}`);
        if (effect === 'a') say('caused', true);
      },
    });
    say('a', true);
    await turn();
    await journal.finish();
    await journal.finish();
    expect(performed).to.deep.equal(['a@7', 'caused@7']);
    driver.stop();
  });

  it('performs nothing more once the disk has failed, and says so once', async () => {
    for (const way of ['rejects', 'throws']) {
      const journal = new SlowJournal();
      const failures: string[] = [];
      if (way === 'throws')
        journal.commit = () => {
          throw new Error('ENOSPC');
        };
      const { performed, say, driver } = drive(journal, { journalFailed: ({ message }) => failures.push(message) });
      say('a', true);
      await turn();
      await journal.finish(new Error('ENOSPC'));
      say('b', true);
      await turn();
      expect([performed, failures]).to.deep.equal([[], ['ENOSPC']]);
      await driver.settled();
    }
  });

  it('settles when all is performed', async () => {
    const journal = new SlowJournal();
    const { driver, performed, say } = drive(journal);
    await driver.settled();
    say('a', true);
    const settled = driver.settled().then(() => performed.push('settled'));
    await turn();
    say('b', true);
    await journal.finish();
    await journal.finish();
    await settled;
    expect(performed).to.deep.equal(['a', 'b', 'settled']);
    driver.stop();
  });

  it('says when the disk is behind, and when it has caught up', async () => {
    const journal = new SlowJournal();
    const said: boolean[] = [];
    const { driver, say } = drive(journal, { congested: (isCongested) => said.push(isCongested) });
    say('first', true);
    await turn();
    for (let index = 0; index <= UNCOMMITTED_STEPS_MAX; index += 1) say('more', true);
    expect(said).to.deep.equal([true]);
    await journal.finish();
    await journal.finish();
    expect(said).to.deep.equal([true, false]);
    driver.stop();
  });

  it('ticks when a deadline has passed', async () => {
    const journal = new SlowJournal();
    const from = Date.now();
    const { driver, state, performed, say } = drive(journal, { now: () => Date.now() });
    state.deadline = from + 30;
    say('a');
    const until = from + 2_000;
    while (!performed.includes('tick') && Date.now() < until) await turn();
    expect(performed).to.deep.equal(['a', 'tick']);
    expect(Date.now() - from).to.be.at.least(30);
    driver.stop();
  });
});
