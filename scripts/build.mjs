// Builds dist/: every program and every service of the testbed as one CommonJS file each, and the files they read.
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

const DIST = join(ROOT, 'dist');

/** Native code cannot be bundled; it is loaded from node_modules. */
const EXTERNAL = ['@node-rs/argon2'];

/** bundle -> its source. Services add themselves: every services/<name>/main.ts but the kit's. */
const PROGRAMS = {
  manager: 'manager/main.ts',
  agent: 'agent/main.ts',
  ssmmp: 'operator/main.ts',
  cnapp: 'cli-client/main.ts',
};

/** Files that are copied as they are; those that do not exist yet are left out. */
const COPIES = { 'services/repository.yaml': 'repository.yaml', 'services/cnapp.yaml': 'cnapp.yaml' };

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
  const entries = {};
  for (const [name, source] of Object.entries({ ...PROGRAMS, ...services() })) {
    if (existsSync(join(ROOT, source))) entries[name] = join(ROOT, source);
    else console.error(`build: ${source} is not there yet; left out`);
  }
  if (Object.keys(entries).length === 0) return [];
  await esbuild.build({
    entryPoints: entries,
    outdir,
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    treeShaking: true,
    external: EXTERNAL,
    legalComments: 'none',
    logLevel: 'warning',
    // CommonJS has no import.meta; packages that ask for it get what they would get as a loose file.
    define: {
      'import.meta.url': '__fileUrl',
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
    },
    banner: { js: '"use strict";const __fileUrl = require("node:url").pathToFileURL(__filename).href;' },
  });
  return Object.keys(entries).map((name) => `${name}.js`);
}

function services() {
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
