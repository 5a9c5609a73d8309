// The bench services as an agent would start them: built just as scripts/build.mjs builds ours, in a folder of their own.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { makeQuickLoading, QUICK_LOADING_OPTIONS } from '../../scripts/quick-loading.mjs';
import { ROOT } from './children.ts';

const SOURCES = join(ROOT, 'bench', 'services');
const BUILT = join(ROOT, 'bench', 'results', 'services');
let building: Promise<void> | null = null;

/** The built file of a bench service, such as `echo-store`. */
export async function benchService(name: string): Promise<string> {
  building ??= build();
  await building;
  return join(BUILT, `${name}.js`);
}

async function build(): Promise<void> {
  const files = readdirSync(SOURCES);
  mkdirSync(BUILT, { recursive: true });
  writeFileSync(join(BUILT, 'package.json'), '{ "type": "commonjs" }\n');
  await esbuild.build({
    ...QUICK_LOADING_OPTIONS,
    entryPoints: files.map((file) => join(SOURCES, file)),
    outdir: BUILT,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    charset: 'ascii',
    logLevel: 'warning',
  });
  for (const file of files) makeQuickLoading(BUILT, file.replace(/\.ts$/, ''));
}
