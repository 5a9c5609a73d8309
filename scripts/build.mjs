// Builds dist/: every program and every service of the testbed as one CommonJS file each, and the files they read. A service
// gets its compiled form beside it, so that it starts faster still (quick-loading.mjs).
//
// Why bundles: an agent starts a service while a user waits. One file starts in 1.16 of the time of an empty Node
// program; the same code as 80 loose modules takes twice as long. Why CommonJS: it loads faster than ES modules.
// Why not minified: students read stack traces.
//
// A build may run beside programs that read dist/ (an agent that starts the next instance), so it writes into a folder of
// its own and moves file by file: whoever opens a file sees the old one or the new one, never half of one.
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as esbuild from 'esbuild';
import { ROOT, sourceStamp } from './prepare.mjs';
import { makeQuickLoading, QUICK_LOADING_OPTIONS } from './quick-loading.mjs';

const DIST = join(ROOT, 'dist');

/** Native code cannot be bundled; it is loaded from node_modules. */
const EXTERNAL = ['@node-rs/argon2', 'esbuild'];

/** bundle -> its source. Services add themselves: every services/<name>/main.ts but the kit's. */
const PROGRAMS = {
  manager: 'manager/main.ts',
  journal: 'manager/journal.ts',
  supervisor: 'supervisor/main.ts',
  agent: 'agent/main.ts',
  link: 'faults/main.ts',
  ssmmp: 'operator/main.ts',
  cnapp: 'cli-client/main.ts',
  'lab-check': 'labs/runner/main.ts',
};

/** Programs that are started again while users wait: with their compiled form beside them, like services. */
const QUICK_PROGRAMS = ['manager'];

/** Files that are copied as they are; those that do not exist yet are left out. */
const COPIES = { 'services/repository.yaml': 'repository.yaml', 'services/cnapp.yaml': 'cnapp.yaml' };

/** Of every bundle. */
const OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  charset: 'ascii',
  treeShaking: true,
  external: EXTERNAL,
  legalComments: 'none',
  logLevel: 'warning',
};

/** CommonJS has no import.meta; packages of the programs that ask for it get what they would get as a loose file. */
const IMPORT_META = {
  define: { 'import.meta.url': '__fileUrl', 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  banner: { js: '"use strict";const __fileUrl = require("node:url").pathToFileURL(__filename).href;' },
};

const stamp = sourceStamp(); // before reading: a source that changes meanwhile makes the next start build again
const work = join(ROOT, `.dist-${process.pid}`);

try {
  const produced = [...(await bundle(work)), ...copyFiles(work)];
  writeFileSync(join(work, 'package.json'), '{ "type": "commonjs" }\n');
  for (const file of [...produced, 'package.json']) {
    mkdirSync(dirname(join(DIST, file)), { recursive: true });
    renameSync(join(work, file), join(DIST, file));
  }
  removeOthers(new Set([...produced, 'package.json']));
  writeFileSync(join(DIST, '.stamp'), stamp); // last: a build that was cut off is none
} catch (error) {
  // esbuild has printed what is wrong with the sources; anything else is for us to show.
  if (!Array.isArray(error.errors)) console.error(error);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function bundle(outdir) {
  const all = Object.entries(sourcesThere(PROGRAMS));
  const programs = Object.fromEntries(all.filter(([name]) => !QUICK_PROGRAMS.includes(name)));
  const quick = Object.fromEntries(all.filter(([name]) => QUICK_PROGRAMS.includes(name)));
  const services = sourcesThere(serviceSources());
  await Promise.all([
    esbuild.build({ ...OPTIONS, ...IMPORT_META, outdir, entryPoints: programs }),
    esbuild.build({ ...OPTIONS, ...IMPORT_META, ...QUICK_LOADING_OPTIONS, outdir, entryPoints: quick }),
    esbuild.build({ ...OPTIONS, ...QUICK_LOADING_OPTIONS, outdir, entryPoints: services }),
  ]);
  return [
    ...Object.keys(programs).map((name) => `${name}.js`),
    ...[...Object.keys(quick), ...Object.keys(services)].flatMap((name) => makeQuickLoading(outdir, name)),
  ];
}

function sourcesThere(all) {
  const there = {};
  for (const [name, source] of Object.entries(all)) {
    if (existsSync(join(ROOT, source))) there[name] = source;
    else console.error(`build: ${source} is not there yet; left out`);
  }
  return there;
}

function serviceSources() {
  const names = readdirSync(join(ROOT, 'services'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'kit')
    .map((entry) => entry.name)
    .filter((name) => existsSync(join(ROOT, 'services', name, 'main.ts')));
  return Object.fromEntries(names.map((name) => [`services/${name}`, `services/${name}/main.ts`]));
}

function copyFiles(outdir) {
  const copies = { ...COPIES };
  const graphs = join(ROOT, 'labs', 'graphs');
  for (const name of existsSync(graphs) ? readdirSync(graphs) : []) {
    if (name.endsWith('.yaml')) copies[`labs/graphs/${name}`] = `graphs/${name}`;
  }
  const done = [];
  for (const [from, to] of Object.entries(copies)) {
    if (!existsSync(join(ROOT, from))) continue;
    mkdirSync(dirname(join(outdir, to)), { recursive: true });
    copyFileSync(join(ROOT, from), join(outdir, to));
    done.push(to);
  }
  return done;
}

/** Removes what an earlier build made and this one did not. */
function removeOthers(wanted) {
  for (const entry of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === '.stamp') continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (!wanted.has(path.slice(DIST.length + 1).replaceAll('\\', '/'))) rmSync(path);
  }
}
