// Makes a bundled program start as fast as can be, by keeping its compiled form beside it. For services: a user waits for them.
//
// Reading and compiling is most of what our code adds to the start of Node; this halves it (a small service: 1.30 of a bare
// listener without, 1.19 with). NAME.code.js is the bundle, NAME.cache its compiled form, NAME.js loads both; NAME.js is
// what one runs, and stack traces show lines of NAME.code.js. V8 takes a cache only of its own version and flags; with
// another Node the program compiles as ever. That cache and code belong together V8 would check by the length alone, so
// both carry the mark of their build.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

/** For esbuild: where the bundles go, and `import()` as `require`, since a vm.Script has no loader behind it. */
export const QUICK_LOADING_OPTIONS = { entryNames: '[dir]/[name].code', supported: { 'dynamic-import': false } };

/** Forty bytes that no other build has. A multiple of eight, so that the cache behind them is aligned. */
const mark = randomBytes(20).toString('hex');

const LOADER = `'use strict';
// Made by scripts/quick-loading.mjs: runs the .code.js beside this file, with its compiled form from .cache where that fits.
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');
const name = __filename.replace(/\\.c?js$/, '');
const filename = name + '.code.js';
const source = readFileSync(filename, 'latin1');
let cachedData;
try {
  const cache = readFileSync(name + '.cache');
  if (cache.latin1Slice(0, ${mark.length}) === source.slice(2, ${2 + mark.length})) cachedData = cache.subarray(${mark.length});
} catch {
  // No cache: it only takes longer.
}
const text = '(function (exports, require, module, __filename, __dirname) {' + source + '\\n})';
new Script(text, { filename, cachedData }).runInThisContext()(exports, require, module, filename, __dirname);
`;

/** Adds the cache and the loader to `folder`/NAME.code.js, which must be ASCII. Returns the names of the three files. */
export function makeQuickLoading(folder, name, extension = '.js') {
  const codeFile = join(folder, `${name}.code.js`);
  const source = `//${mark}\n${readFileSync(codeFile, 'latin1')}`;
  const text = `(function (exports, require, module, __filename, __dirname) {${source}\n})`;
  // Everything is compiled now, also what runs only later: otherwise the cache would hold the outermost function alone.
  setFlagsFromString('--no-lazy');
  const script = new Script(text, { filename: codeFile });
  setFlagsFromString('--lazy'); // the flags are part of what V8 compares
  const cachedData = script.createCachedData();
  writeFileSync(codeFile, source, 'latin1');
  writeFileSync(join(folder, `${name}.cache`), Buffer.concat([Buffer.from(mark), cachedData]));
  writeFileSync(join(folder, `${name}${extension}`), LOADER);
  return [`${name}.code.js`, `${name}.cache`, `${name}${extension}`];
}
