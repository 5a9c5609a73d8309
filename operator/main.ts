/**
 * Entry of the command `ssmmp`; bundled to dist/ssmmp.js.
 *
 * Lives here: nothing but the start and the exit code.
 */
import { runProgram } from './program.ts';

runProgram(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
