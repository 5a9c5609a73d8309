/**
 * The labs that ship: one folder each.
 *
 * Lives here: finding labs by folder, reading their lab.yaml. Does not live here: what a lab.yaml must look like
 * (core/lab-file.ts), the student's folders (work-folder.ts).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { formatProblem } from '../../../ssmmp/core/located-yaml.ts';
import { LAB_NAME, parseLab } from '../core/lab-file.ts';
import type { LabDescription } from '../core/lab-file.ts';
import { labFiles } from './places.ts';
import type { Places } from './places.ts';

export interface Lab extends LabDescription {
  /** `00-meet-the-cnapp`. */
  readonly name: string;
  readonly number: number;
  readonly folder: string;
}

/** What a person asked for cannot be done; the message is for them. */
export class LabError extends Error {
  readonly isUsage: boolean;

  constructor(message: string, isUsage = false) {
    super(message);
    this.name = 'LabError';
    this.isUsage = isUsage;
  }
}

/** Names of all labs, in order. */
export function labNames(places: Places): string[] {
  return readdirSync(places.labs, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && LAB_NAME.test(entry.name))
    .map(({ name }) => name)
    .filter((name) => existsSync(labFiles.description(join(places.labs, name))))
    .sort();
}

/** All labs, in order. Throws LabError with every problem of a lab.yaml. */
export function readLabs(places: Places): Lab[] {
  return labNames(places).map((name) => readLab(places, name));
}

/** The lab of this name. Throws LabError. */
export function readLab(places: Places, name: string): Lab {
  const folder = join(places.labs, name);
  const path = labFiles.description(folder);
  const result = parseLab(readFileSync(path, 'utf8'), relative(places.root, path));
  if (!result.ok) throw new LabError(result.problems.map(formatProblem).join('\n'));
  return { ...result.lab, name, number: Number(name.slice(0, 2)), folder };
}

/** The lab a person means by `0`, `00` or `00-meet-the-cnapp`. Throws LabError. */
export function findLab(places: Places, wanted: string): Lab {
  const names = labNames(places);
  const name = /^\d{1,2}$/.test(wanted)
    ? names.find((each) => Number(each.slice(0, 2)) === Number(wanted))
    : names.find((each) => each === wanted);
  if (name !== undefined) return readLab(places, name);
  throw new LabError(`there is no lab '${wanted}'; there are ${names.join(', ')}`, true);
}
