/**
 * Promise against measured: how long users waited, on a machine that is as busy as it is.
 *
 * Lives here: the measure of the machine, the comparison, the table that is printed. Does not live here: any fault.
 *
 * The promises are for a machine that does nothing else. Nearly all of a recovery is the start of a process, so what a bare
 * start of Node takes now, against QUIET_START_MS, says how much slower everything is; a promise is stretched by that, never
 * shortened. The figures are printed as they are.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';

/** A bare start of Node on a quiet machine of ours. */
const QUIET_START_MS = 45;
/** Beyond what a bare start shows: several processes want the same two cores at once. */
const MARGIN = 2;

export class Bounds {
  private readonly lines: string[] = [];

  /** Fails when it took longer than the promise on this machine; keeps the figure for the table. */
  async check(what: string, measuredMs: number, promisedMs: number): Promise<void> {
    const slower = await slowness();
    const allowedMs = promisedMs * Math.max(1, slower) * MARGIN;
    const verdict = measuredMs <= promisedMs ? 'kept' : `slower, machine x${slower.toFixed(1)}`;
    this.lines.push(`      ${what.padEnd(44)} ${ms(measuredMs)}   promised ${ms(promisedMs)}   ${verdict}`);
    expect(measuredMs, `${what}: promised ${promisedMs} ms, allowed on this machine`).to.be.at.most(allowedMs);
  }

  /** What was seen and has no bound. */
  note(what: string): void {
    this.lines.push(`      ${what}`);
  }

  print(): void {
    if (this.lines.length > 0) console.log(this.lines.join('\n'));
  }
}

function ms(value: number): string {
  return `${Math.round(value)} ms`.padStart(8);
}

/** How many times slower than a quiet machine a bare Node starts now. */
async function slowness(): Promise<number> {
  const from = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return (performance.now() - from) / QUIET_START_MS;
}
