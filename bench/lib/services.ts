// The bench services as an agent would start them: built as scripts/build.mjs builds ours, in a folder of their own.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { ROOT } from './children.ts';

const SOURCES = join(ROOT, 'bench', 'services');
const BUILT = join(ROOT, 'bench', 'results', 'services');
let building: Promise<unknown> | null = null;

/** The built file of a bench service, such as `echo-store`. */
export async function benchService(name: string): Promise<string> {
  building ??= esbuild.build({
    entryPoints: readdirSync(SOURCES).map((file) => join(SOURCES, file)),
    outdir: BUILT,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'warning',
  });
  await building;
  return join(BUILT, `${name}.cjs`);
}
