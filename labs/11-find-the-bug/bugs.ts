/**
 * The bugs of this lab: lines from the museum, what they break, and where they are planted.
 *
 * Lives here: which mutants, and the right answers. Does not live here: the lines themselves (museum/mutants), so that a core
 * may change without a word here.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mutantNamed } from '../../museum/list.ts';
import { plantedText } from '../../museum/plant.ts';
import type { Overlay, Work } from '../runner/api.ts';

export interface Bug {
  readonly number: number;
  /** Its name in the museum. */
  readonly mutant: string;
  /** Whose code is wrong. */
  readonly machine: string;
  /** The rule that the line breaks. */
  readonly rule: string;
  /** Seeds that found it when this was written, the one with the shortest diagram first. Others are looked for where they do not. */
  readonly seeds: readonly number[];
}

export const BUGS: readonly Bug[] = [
  { number: 1, mutant: 'requests-keyed-by-message-id', machine: 'agent', rule: 'R10', seeds: [3, 1, 2, 4, 5] },
  { number: 2, mutant: 'grant-while-draining', machine: 'manager', rule: 'R32', seeds: [18, 29, 30, 10, 12] },
  {
    number: 3,
    mutant: 'old-connection-ends-the-new',
    machine: 'manager',
    rule: 'R48',
    seeds: [22, 27, 59, 51, 67, 96],
  },
  { number: 4, mutant: 'keyed-by-the-new-port', machine: 'all', rule: 'R19', seeds: [87, 84, 114, 260, 344, 401] },
];

/** What a student's copy holds, from the root of the clone. */
const PARTS = ['ssmmp/core', 'manager/core', 'agent/core', 'services/kit/core'];
/** The laws that live beside the cores; the clone's are asked, whatever a student does to them. */
const LAWS = ['manager/core/invariants.ts', 'agent/core/invariants.ts', 'services/kit/core/invariants.ts'];

/** Where a bug is, in a working folder. */
export function folderOf({ number }: Bug): string {
  return `bug-${number}`;
}

/** How a folder with such a copy is laid over the clone. */
export function overlayOf(folder: string): Overlay {
  return { folder, parts: PARTS, ours: LAWS };
}

/** Makes a copy of the clone's cores with this bug in them. */
export function plant(bug: Bug, root: string, folder: string): void {
  for (const part of PARTS) {
    mkdirSync(dirname(join(folder, part)), { recursive: true });
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  const mutant = mutantNamed(bug.mutant);
  writeFileSync(join(folder, mutant.file), plantedText(root, mutant));
}

/** Writes something else in the place of the planted line; for what ships. Throws where the line does not stand there once. */
export function mend(work: Work, number: number, to?: string): void {
  const bug = BUGS.find((each) => each.number === number);
  if (bug === undefined) throw new Error(`there is no bug ${number}`);
  const { file, line, becomes } = mutantNamed(bug.mutant);
  const path = join(folderOf(bug), file);
  const lines = work.text(path).split('\n');
  // What ships is made from the solution, in which the line is as it was.
  const places = [...lines.keys()].filter((at) => [line, becomes].includes(lines[at]?.trim() ?? ''));
  if (places.length !== 1) throw new Error(`expected once in ${path}: ${becomes}`);
  const at = places[0] as number;
  lines[at] = `${/^\s*/.exec(lines[at] as string)?.[0] ?? ''}${to ?? line}`;
  work.write(path, lines.join('\n'));
}

/** The line as it was planted; for what ships. */
export function plantedLine(number: number): string {
  const bug = BUGS.find((each) => each.number === number);
  if (bug === undefined) throw new Error(`there is no bug ${number}`);
  return mutantNamed(bug.mutant).becomes;
}

/** Writes another answer; for what ships. */
export function rename(work: Work, number: number, machine: string, rule: string): void {
  const before = new RegExp(`^bug_${number}: .*$`, 'm');
  work.write(
    'answers.yaml',
    work.text('answers.yaml').replace(before, `bug_${number}: {machine: ${machine}, rule: ${rule}}`),
  );
}
