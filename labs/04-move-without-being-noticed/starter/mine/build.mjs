// Builds your file-transfer into built/ and writes built/repository.yaml, in which it takes the built-in one's place: node build.mjs
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const lab = resolve(here, '..');
const clone = resolve(lab, process.env.SSMMP_LAB_CLONE ?? '../..');
const require = createRequire(join(clone, 'package.json'));
const { buildSync } = require('esbuild');
const { parse, stringify } = require('yaml');

const outfile = join(here, 'built', 'file-transfer.cjs');
buildSync({
  entryPoints: [join(here, 'main.ts')],
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

// repository.yaml of the lab, its programs seen from here
const { services } = parse(readFileSync(join(lab, 'repository.yaml'), 'utf8'));
for (const entry of Object.values(services))
  entry.run = entry.run.map((word) => (word.includes('/') ? resolve(lab, word) : word));
services['file-transfer'] = { run: ['node', outfile] };
mkdirSync(join(here, 'built'), { recursive: true });
writeFileSync(join(here, 'built', 'repository.yaml'), stringify({ services }));
console.log('built/repository.yaml');
