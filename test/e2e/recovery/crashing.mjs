// A program that ends with code 7 as long as a file is there, and is the real service when it is not.
// usage: node crashing.mjs FLAG PROGRAM [the five arguments]
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [, , flag, program, ...args] = process.argv;
if (existsSync(flag)) process.exit(7);
process.argv = [process.execPath, program, ...args];
await import(pathToFileURL(program).href);
