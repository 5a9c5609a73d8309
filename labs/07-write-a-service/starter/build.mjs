// Builds the three services into built/ and writes built/repository.yaml, which says how to start them: node build.mjs
import { createRequire } from 'node:module';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const clone = resolve(here, process.env.SSMMP_LAB_CLONE ?? '../..');
const require = createRequire(join(clone, 'package.json'));
const { buildSync } = require('esbuild');
const { parse, stringify } = require('yaml');

const given = join(clone, 'labs/07-write-a-service/given');

/** A TypeScript file as one file that Node runs. */
function built(file) {
  const outfile = join(here, 'built', basename(file, '.ts') + '.cjs');
  buildSync({
    entryPoints: [file],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    sourcemap: 'inline',
    logLevel: 'warning',
    external: ['@node-rs/argon2'],
    alias: { 'ssmmp-lab': clone },
    nodePaths: [join(clone, 'node_modules')],
  });
  return outfile;
}

mkdirSync(join(here, 'built'), { recursive: true });
const { run } = parse(readFileSync(join(here, 'likes.yaml'), 'utf8'));
const words = run.map((word) => {
  if (word.endsWith('.ts')) return built(join(here, word));
  return existsSync(join(here, word)) ? join(here, word) : word;
});
const services = {
  'likes-gateway': { run: ['node', built(join(given, 'likes-gateway.ts'))] },
  likes: { run: words },
  'likes-db': { run: ['node', built(join(given, 'likes-db-main.ts'))] },
};
writeFileSync(join(here, 'built', 'repository.yaml'), stringify({ services }));
console.log('built/repository.yaml');
