/**
 * The proof of a grader: every starter fails, every solution passes, every wrong answer fails its item and no other.
 *
 * Lives here: running the check on what ships, and saying what is not as it should be. Does not live here: choosing labs
 * and repetitions (test/labs, `npm run labs-proof`).
 *
 * A check that nobody tried on wrong answers accepts them, sooner or later. So this is not a test of the labs alone: it is
 * the reason to believe a verdict.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabResult } from '../core/result.ts';
import { runCheck } from './check.ts';
import type { Lab } from './lab-folder.ts';
import type { Places } from './places.ts';
import { shipSolution, shipStarter, shipWrong } from './shipped.ts';

export class Proof {
  readonly lab: Lab;
  readonly #places: Places;
  readonly #folder: string;
  #runs = 0;
  #solved: Promise<string> | null = null;

  /** Everything is made below `folder`. */
  constructor(lab: Lab, places: Places, folder: string) {
    this.lab = lab;
    this.#places = places;
    this.#folder = folder;
    // as in a clone, where students' folders lie
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  }

  /** What is wrong with the starter's verdict; null: it fails, as it must. */
  async starter(): Promise<string | null> {
    const folder = this.#next('starter');
    await shipStarter(this.lab, folder, this.#places);
    const result = await this.#check(folder, 1);
    if (result.verdict === 'failed') return null;
    return `the starter must fail, and the verdict is ${result.verdict}\n${told(result)}`;
  }

  /** What is wrong with the solution's verdict; null: it passes. Each call plays it anew, with another seed. */
  async solution(seed: number): Promise<string | null> {
    const folder = await this.#play(seed);
    this.#solved ??= Promise.resolve(folder);
    const result = await this.#check(folder, seed);
    return result.verdict === 'passed' ? null : `the solution must pass (seed ${seed})\n${told(result)}`;
  }

  /** What is wrong with the verdict on a wrong answer; null: it fails its item and no other. */
  async wrong(name: string): Promise<string | null> {
    this.#solved ??= this.#play(1);
    const folder = this.#next(`wrong-${name}`);
    await shipWrong(this.lab, name, await this.#solved, folder, this.#places, 1);
    const result = await this.#check(folder, 1);
    const meant = this.lab.wrong.get(name)?.fails;
    const failed = result.items.filter(({ status }) => status !== 'passed').map((item) => item.name);
    if (failed.length === 1 && failed[0] === meant && result.verdict === 'failed') return null;
    return `wrong answer '${name}' must fail ${meant} alone; it fails ${failed.join(', ') || 'nothing'}\n${told(result)}`;
  }

  /** Removes everything that was made. */
  clean(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #play(seed: number): Promise<string> {
    const folder = this.#next('solution');
    await shipSolution(this.lab, folder, this.#places, seed);
    return folder;
  }

  async #check(folder: string, seed: number): Promise<LabResult> {
    const runFolder = `${folder}.run`;
    mkdirSync(runFolder, { recursive: true });
    const { result } = await runCheck(this.lab, folder, this.#places, {
      seed,
      only: [],
      quickOnly: false,
      runFolder,
      command: `npx ssmmp lab check ${this.lab.number} --dir ${folder}`,
    });
    return result;
  }

  #next(what: string): string {
    this.#runs += 1;
    return join(this.#folder, `${this.lab.name}-${this.#runs}-${what}`);
  }
}

function told({ items }: LabResult): string {
  return items
    .filter(({ status }) => status !== 'passed')
    .map(({ name, status, failure, error }) => {
      const why = failure === null ? (error ?? '') : `expected ${failure.expected}\ncame ${failure.came}`;
      return `${name}: ${status}\n${why}`;
    })
    .join('\n');
}
