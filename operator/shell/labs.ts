/**
 * What the `lab` commands share: where the labs are, and errors of labs as errors of this command line.
 *
 * Lives here: that. Does not live here: any command, anything that a lab is (labs/runner).
 */
import { dirname, resolve } from 'node:path';
import { Option } from 'commander';
import { LabError } from '../../labs/runner/shell/lab-folder.ts';
import { placesOf } from '../../labs/runner/shell/places.ts';
import type { Places } from '../../labs/runner/shell/places.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { distFolder } from './dist-folder.ts';

/** The places of this clone. */
export function labPlaces(runs?: string): Places {
  const root = dirname(distFolder());
  return runs === undefined ? placesOf(root) : placesOf(root, resolve(runs));
}

/** Errors of labs as errors of this command line. */
export async function labErrors<T>(action: () => Promise<T> | T): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof LabError) throw new OperatorError(error.isUsage ? EXIT.usage : EXIT.failed, error.message);
    throw error;
  }
}

/** Where runs are kept. */
export function runsOption(): Option {
  return new Option('--runs <folder>', 'where runs are kept (default: runs/ of the clone)').env('SSMMP_LAB_RUNS');
}
