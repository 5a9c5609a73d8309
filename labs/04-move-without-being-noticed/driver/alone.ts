/**
 * One scenario with the student's file-transfer, without a mesh: node alone.cjs PROGRAM SCENARIO FOLDER. Tells the check
 * null where all is as it should be, else what was expected and what came.
 *
 * Lives here: the process. Does not live here: the scenarios (scenarios.ts).
 */
import { tellCheck } from '../../runner/judge.ts';
import { Bench } from './upload.ts';
import { Wrong } from './instances.ts';
import { scenarios } from './scenarios.ts';

async function main([program = '', scenario = '', folder = '']: readonly string[]): Promise<void> {
  const run = scenarios[scenario];
  if (run === undefined) throw new Error(`there is no scenario '${scenario}'`);
  const bench = await Bench.open(program, folder);
  try {
    await run(bench);
    tellCheck(null);
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    tellCheck(error.text);
  }
  process.exit(0); // whatever the student's code still waits for
}

void main(process.argv.slice(2));
