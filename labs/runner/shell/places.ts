/**
 * Where things are: the clone, the built programs, the labs, the runs.
 *
 * Lives here: names of folders. Does not live here: reading or writing any of them.
 */
import { join } from 'node:path';

export interface Places {
  /** The clone's folder, absolute. */
  readonly root: string;
  /** The built programs. */
  readonly dist: string;
  /** The labs that ship. */
  readonly labs: string;
  /** Below it each run leaves `<lab>/<time>/`. */
  readonly runs: string;
}

/** The places of a clone; `runs` may lie elsewhere. */
export function placesOf(root: string, runs: string = join(root, 'runs')): Places {
  return { root, dist: join(root, 'dist'), labs: join(root, 'labs'), runs };
}

/** Files of a lab's folder. */
export const labFiles = {
  description: (folder: string): string => join(folder, 'lab.yaml'),
  chapter: (folder: string): string => join(folder, 'README.md'),
  instructor: (folder: string): string => join(folder, 'instructor.md'),
  check: (folder: string): string => join(folder, 'check.ts'),
  starter: (folder: string): string => join(folder, 'starter'),
  solution: (folder: string): string => join(folder, 'solution'),
  wrong: (folder: string, name: string): string => join(folder, 'wrong', name),
};

/** Makes what a working folder begins with and no file of starter/ can be: something made from the clone as it is. */
export const PREPARE_FILE = 'prepare.ts';
/** Programs of a lab that students run: `npx ssmmp lab run NAME`. */
export const PROGRAMS_FOLDER = 'programs';

/** What a solution or a wrong answer does at the terminal; it is no part of the student's files. */
export const PLAY_FILE = 'play.ts';

/** State directory of the student's own cluster, in the working folder: what `ssmmp up` takes there by itself. */
export const OWN_STATE_DIR = '.ssmmp';
