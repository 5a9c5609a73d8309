/**
 * What a check and a play get in their hands: the working folder, chance from a seed, clusters, evidence.
 *
 * Lives here: that one object. Does not live here: running checks (check.ts), expectations (unmet.ts).
 *
 * Everything started through it ends with it. What several items share (one cluster for all of them) is made once, by name.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { z } from 'zod';
import { Chance } from '../../../load/core/work.ts';
import { formatProblem, LocatedYaml } from '../../../ssmmp/core/located-yaml.ts';
import type { TraceEntry } from '../../../ssmmp/core/trace.ts';
import type { Diagram, Exhibit } from '../core/report.ts';
import { bundle } from './bundle.ts';
import type { Overlay } from './bundle.ts';
import { LabCluster } from './cluster.ts';
import type { UpOptions } from './cluster.ts';
import { readSettledEvidence } from './evidence.ts';
import type { Evidence } from './evidence.ts';
import { OWN_STATE_DIR } from './places.ts';
import type { Places } from './places.ts';
import { runNode } from './programs.ts';
import { servicesOf, writeRepository } from './repository.ts';
import type { Ran, RunOptions, Scope } from './programs.ts';
import { takeSubnet } from './subnet.ts';
import { Unmet } from './unmet.ts';
import { until } from './until.ts';

/** What a whole run has in common. */
export class RunState {
  readonly exhibits: Exhibit[] = [];
  readonly diagrams: Diagram[] = [];
  readonly made = new Map<string, Promise<unknown>>();
  readonly scope: Scope;
  readonly runFolder: string;
  clusters = 0;
  bundles = 0;
  usedSeed = false;

  constructor(scope: Scope, runFolder: string) {
    this.scope = scope;
    this.runFolder = runFolder;
  }
}

const SECRET_BYTES = 16;
/** Longest file of a student that is read. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

export class Work {
  /** `00-meet-the-cnapp`. */
  readonly lab: string;
  /** The student's working folder. */
  readonly folder: string;
  readonly places: Places;
  readonly #seed: number;
  readonly #run: RunState;
  readonly #scope: Scope;
  #chance: Chance | null = null;

  constructor(facts: { lab: string; folder: string; places: Places; seed: number; run: RunState; scope: Scope }) {
    this.lab = facts.lab;
    this.folder = facts.folder;
    this.places = facts.places;
    this.#seed = facts.seed;
    this.#run = facts.run;
    this.#scope = facts.scope;
  }

  /** Reading it makes the verdict name it, with the command that repeats the run. */
  get seed(): number {
    this.#run.usedSeed = true;
    return this.#seed;
  }

  /** Chance from the seed; each item begins anew, so that `--only` sees the same. */
  get chance(): Chance {
    this.#chance ??= new Chance(this.seed);
    return this.#chance;
  }

  /** Absolute path of a file of the working folder. */
  path(file: string): string {
    return join(this.folder, file);
  }

  has(file: string): boolean {
    return existsSync(this.path(file));
  }

  /** A file of the student. Throws Unmet where it is not there or too long. */
  text(file: string): string {
    try {
      const bytes = readFileSync(this.path(file));
      if (bytes.length <= FILE_BYTES_MAX) return bytes.toString('utf8');
      throw new Unmet({ expected: `${file} of at most ${FILE_BYTES_MAX} bytes`, came: `${bytes.length} bytes` });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      throw new Unmet({ expected: `the file ${file} in your working folder`, came: `it cannot be read (${code})` });
    }
  }

  /** A YAML file of the student, checked. Throws Unmet with line and column of every problem. */
  yaml<T>(file: string, shape: z.ZodType<T>): T {
    const text = this.text(file);
    const yaml = new LocatedYaml(text, file);
    const value = yaml.failed ? null : yaml.check(shape, yaml.value, [], (path) => path.join('.') || 'the file');
    if (value !== null && !yaml.failed) return value;
    const expected = `${file} in the form that the starter has`;
    throw new Unmet({ expected, came: yaml.problems.map(formatProblem).join('\n') });
  }

  /** Writes a file of the working folder; for plays. */
  write(file: string, text: string): void {
    mkdirSync(dirname(this.path(file)), { recursive: true });
    writeFileSync(this.path(file), text);
  }

  /** What the student's own cluster left: the one that `ssmmp up` started in the working folder. Throws Unmet without one. */
  evidence(): Promise<Evidence> {
    return this.once('evidence', async () => {
      const evidence = await readSettledEvidence(this.path(OWN_STATE_DIR));
      if (evidence === null)
        throw new Unmet({
          expected: `the journal and trace of your own cluster, in ${join(relative(process.cwd(), this.folder) || '.', OWN_STATE_DIR)}`,
          came: 'no cluster was started from this folder',
          remark: 'Start one there: cd into the working folder, then `npx ssmmp up --detach`.',
        });
      this.#exhibit('Your cluster', evidence, []);
      return evidence;
    });
  }

  /** Starts a cluster; it stops with the item, or with the run where it is made inside `once`. */
  async up(options: UpOptions = {}): Promise<LabCluster> {
    this.#run.clusters += 1;
    const name = `cluster-${this.#run.clusters}`;
    return await this.#start(options, join(this.#run.runFolder, name), options.title ?? name);
  }

  /** Starts the cluster that the student would start in the working folder; for plays. */
  async upOwn(options: UpOptions = {}): Promise<LabCluster> {
    return await this.#start(options, this.path(OWN_STATE_DIR), null);
  }

  /** Forgets what the student's own cluster left; for plays that do it all differently. */
  forgetOwn(): void {
    rmSync(this.path(OWN_STATE_DIR), { recursive: true, force: true });
    this.#run.made.delete('evidence');
  }

  /** What several items share: made when first asked for, kept until the run is over. A failure is shared too. */
  once<T>(name: string, make: (work: Work) => Promise<T>): Promise<T> {
    const known = this.#run.made.get(name);
    if (known !== undefined) return known as Promise<T>;
    const { lab, folder, places } = this;
    const whole = new Work({ lab, folder, places, seed: this.#seed, run: this.#run, scope: this.#run.scope });
    const made = make(whole);
    made.catch(() => undefined); // whoever asked is told
    this.#run.made.set(name, made);
    return made;
  }

  /** Builds a TypeScript file of the student into one that Node runs; gives its path. Throws Unmet where it cannot be built. */
  async bundle(file: string): Promise<string> {
    this.text(file);
    this.#run.bundles += 1;
    const outfile = join(this.#run.runFolder, 'built', `${this.#run.bundles}.cjs`);
    await bundle(this.path(file), outfile, this.places);
    return outfile;
  }

  /**
   * Builds a program of the clone (`labs/11-…/driver/simulate.ts`) with files of another folder in place of the clone's; gives
   * the path of what Node runs. Throws Unmet where it cannot be built.
   */
  async bundleOver(program: string, overlay: Overlay): Promise<string> {
    this.#run.bundles += 1;
    const outfile = join(this.#run.runFolder, 'built', `${this.#run.bundles}.cjs`);
    await bundle(join(this.places.root, program), outfile, this.places, overlay);
    return outfile;
  }

  /** A repository file with the lab's own services (labs/NN-name/services) and all built-in ones; for `up`. */
  services(): Promise<string> {
    return this.once('services', () =>
      writeRepository(servicesOf(join(this.places.labs, this.lab)), join(this.#run.runFolder, 'services'), this.places),
    );
  }

  /** Runs a TypeScript program of the student to its end, in the working folder. */
  async program(file: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Ran> {
    return await runNode(await this.bundle(file), args, this.#scope, { cwd: this.folder, ...options });
  }

  /** Runs a plain Node program to its end, as it stands. */
  node(script: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Ran> {
    return runNode(script, args, this.#scope, options);
  }

  /**
   * Runs a driver of ours that has a student's code in its process, and gives what the driver told with `tellCheck` (judge.ts);
   * nothing that the student's code prints is taken for that. The driver has the run's seed from judge.ts too.
   */
  async judged<T>(script: string, args: readonly string[], deadlineMs: number): Promise<Ran & { told: readonly T[] }> {
    const secret = randomBytes(SECRET_BYTES).toString('hex');
    const ran = await this.node(script, args, { deadlineMs, input: JSON.stringify({ secret, seed: this.#seed }) });
    const lines = ran.out.split('\n').filter((line) => line.startsWith(`${secret} `));
    return { ...ran, told: lines.map((line) => JSON.parse(line.slice(secret.length)) as T) };
  }

  /** Called when the item is over, or the run where it is said inside `once`; for what a check started by itself. */
  atEnd(end: () => Promise<void>): void {
    this.#scope.add(end);
  }

  /** A subnet that nobody else holds, such as `127.77.3`, until the item is over; for checks that listen themselves. */
  async subnet(): Promise<string> {
    const { subnet, release } = await takeSubnet();
    this.atEnd(() => Promise.resolve(release()));
    return subnet;
  }

  /** An empty folder of the run's own. */
  scratch(name: string): string {
    const folder = join(this.#run.runFolder, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Waits for a condition; Unmet when it does not come in time. */
  until<T>(
    what: string,
    condition: () => Promise<T | null | false | undefined> | T | null | false | undefined,
    deadlineMs?: number,
  ): Promise<T> {
    return until(what, condition, deadlineMs);
  }

  /** Shows some messages as a diagram of their own in the report. */
  show(title: string, entries: readonly TraceEntry[]): void {
    if (!this.#run.diagrams.some((diagram) => diagram.title === title)) this.#run.diagrams.push({ title, entries });
  }

  async #start(options: UpOptions, stateDir: string, title: string | null): Promise<LabCluster> {
    return await LabCluster.start(options, stateDir, this.places, this.#scope, (cluster, evidence) => {
      if (title !== null && evidence !== null) this.#exhibit(title, evidence, cluster.loads);
    });
  }

  #exhibit(title: string, { events, trace }: Evidence, loads: Exhibit['loads']): void {
    this.#run.exhibits.push({ title, events, trace, loads });
  }
}
