// Makes a clone ready to run: installs what is missing, builds what is out of date, and loads the program asked for.
//
// Nothing here may import a package: in a fresh clone there is none. With nothing to do it has to be over in a few
// milliseconds, because every `ssmmp` and `cnapp` command comes through here. So it asks the file system two questions
// only: does npm's own record of what it installed (node_modules/.package-lock.json, which `npm ci` writes last) agree
// with package-lock.json, and is the stamp of the last build (dist/.stamp) the one that today's sources give?
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The folder of the clone. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** What a build is made of: a change in any file below these makes the next start build again. */
const SOURCES = [
  'ssmmp', 'manager', 'supervisor', 'agent', 'services', 'cli-client', 'operator', 'load', 'labs', 'sim',
  'scripts/build.mjs', 'package.json', 'package-lock.json',
]; // prettier-ignore

/** How long one command waits for another that is installing or building in the same clone. */
const WAIT_FOR_OTHER_MS = 10 * 60_000;

/** An error whose message is all that a person needs; no stack is shown. */
class PreparationError extends Error {
  isForPeople = true;
}

/** name -> what it needs and what is loaded. `args` come before the user's own. */
const PROGRAMS = {
  start: { built: 'ssmmp.js', args: ['up'] },
  ssmmp: { built: 'ssmmp.js', args: [] },
  cnapp: { built: 'cnapp.js', args: [] },
  test: { needsDev: true, script: 'scripts/check.mjs' },
  bench: { needsDev: true, typescript: 'bench/main.ts' },
  sim: { needsDev: true, typescript: 'sim-cli/main.ts' },
  'labs-proof': { needsDev: true, typescript: 'test/labs/main.ts' },
  soak: { needsDev: true, typescript: 'test/soak/main.ts' },
  exhaust: { needsDev: true, typescript: 'test/exhaust/main.ts' },
  museum: { needsDev: true, typescript: 'museum/main.ts' },
  'record-journals': { needsDev: true, typescript: 'test/journals/record.ts' },
};

/** Makes the clone ready for the program `name`, then loads it into this process with `args` as its command line. */
export async function run(name, args) {
  const program = PROGRAMS[name];
  if (program === undefined) {
    throw new PreparationError(`ready: nothing is called "${name}"; there are ${Object.keys(PROGRAMS).join(', ')}.`);
  }
  makeReady({ needsDev: program.needsDev === true });
  const file = join(ROOT, program.built ? join('dist', program.built) : (program.script ?? program.typescript));
  if (!existsSync(file)) throw new PreparationError(`ready: "${name}" is not there: ${file} does not exist.`);
  process.argv = [process.execPath, file, ...(program.args ?? []), ...args];
  if (program.typescript) (await import('tsx/esm/api')).register();
  await import(pathToFileURL(file).href);
}

/** Installs and builds as far as needed. Synchronous: nothing else can go on before it is done. */
export function makeReady({ needsDev }) {
  if (isInstalled(needsDev) && isBuilt()) return;
  const unlock = lock();
  try {
    // Asked again: whoever held the lock has probably done it.
    if (!isInstalled(needsDev)) install(needsDev);
    if (!isBuilt()) build();
  } finally {
    unlock();
  }
}

/** Does node_modules hold what package-lock.json asks for? Packages that are optional may be missing. */
function isInstalled(needsDev) {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages;
  const present = readJson(join(ROOT, 'node_modules', '.package-lock.json'))?.packages;
  if (wanted === undefined || present === undefined) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.optional || entry.devOptional || (entry.dev && !needsDev)) continue;
    if (present[path]?.version !== entry.version) return false;
  }
  return true;
}

function install(needsDev) {
  say('installing packages (npm ci); only the first time and after an update');
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...(needsDev ? ['--include=dev'] : [])];
  // npm's talk goes to stderr, where ours is: stdout belongs to the program that runs afterwards.
  const options = { cwd: ROOT, stdio: ['ignore', 2, 2] };
  const npmProgram = process.env.npm_execpath;
  const result =
    npmProgram && /\.c?js$/.test(npmProgram)
      ? spawnSync(process.execPath, [npmProgram, ...args], options)
      : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (result.status !== 0 || !isInstalled(needsDev)) {
    throw new PreparationError(
      `ready: "npm ci" ${result.error ? `could not be run (${result.error.message})` : 'failed; its reason stands above'}. ` +
        'When that is put right, type the same command again.',
    );
  }
}

function isBuilt() {
  try {
    return readFileSync(join(ROOT, 'dist', '.stamp'), 'utf8') === sourceStamp();
  } catch {
    return false; // no stamp: never built
  }
}

function build() {
  say('building');
  const result = spawnSync(process.execPath, [join(ROOT, 'scripts', 'build.mjs')], { stdio: ['ignore', 2, 2] });
  if (result.status !== 0) throw new PreparationError('ready: the build failed; its reason stands above.');
}

/** One short text that changes whenever a source is added, removed or written: path, size and time of every file. */
export function sourceStamp() {
  const hash = createHash('sha1');
  const add = (path) => {
    const info = statSync(join(ROOT, path), { throwIfNoEntry: false });
    if (info === undefined) return;
    if (info.isDirectory()) for (const name of readdirSync(join(ROOT, path)).sort()) add(`${path}/${name}`);
    else hash.update(`${path} ${info.size} ${info.mtimeMs}\n`);
  };
  SOURCES.forEach(add);
  return hash.digest('hex');
}

/** Lets one process at a time install and build; a second one waits. Returns how to give the lock back. */
function lock() {
  const path = join(ROOT, '.ready.lock');
  const deadline = Date.now() + WAIT_FOR_OTHER_MS;
  let hasSaid = false;
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') {
        throw new PreparationError(
          `ready: cannot write into ${ROOT} (${error.code}), which installing and building need.`,
        );
      }
    }
    const holder = lockHolder(path);
    if (holder === null) continue; // gone meanwhile, or left behind by a process that is no more
    if (Date.now() > deadline) {
      throw new PreparationError(
        `ready: process ${holder} has been installing or building for too long; end it and try again.`,
      );
    }
    if (!hasSaid) say(`waiting for process ${holder}, which is installing or building`);
    hasSaid = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}

/** The process that holds the lock; null, with the lock removed, when there is no such process. */
function lockHolder(path) {
  let pid;
  try {
    pid = Number(readFileSync(path, 'utf8'));
    if (pid === 0) return 'that is just starting'; // created, its number not yet written
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    if (error.code === 'EPERM') return pid; // somebody else's process, but alive
    rmSync(path, { force: true });
    return null;
  }
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined; // missing or cut off: the caller installs
  }
}

function say(text) {
  process.stderr.write(`ready: ${text} …\n`);
}
