/**
 * TypeScript of labs and of students, made into one CommonJS file each: `.cjs`, since it may lie below a package of modules.
 *
 * Lives here: calling esbuild, loading a bundle. Does not live here: types (nobody checks them here; editors do).
 *
 * Why on the fly: labs and students' folders are no part of the build, and Node 20 does not run TypeScript. It takes some 30 ms.
 * `ssmmp-lab/…` is the clone, wherever the student's folder lies: `import { runService } from 'ssmmp-lab/services/kit/main.ts'`.
 */
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import type { BuildFailure } from 'esbuild';
import { Unmet } from './unmet.ts';
import type { Places } from './places.ts';

/** Builds `entry` into `outfile`. Throws Unmet with every place that esbuild cannot read. */
export async function bundle(entry: string, outfile: string, places: Places): Promise<void> {
  const { build } = await import('esbuild');
  try {
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      sourcemap: 'inline',
      legalComments: 'none',
      logLevel: 'silent',
      external: ['@node-rs/argon2', 'esbuild'],
      alias: { 'ssmmp-lab': places.root },
      nodePaths: [join(places.root, 'node_modules')],
    });
  } catch (error) {
    const { errors } = error as Partial<BuildFailure>;
    if (errors === undefined) throw error;
    const lines = errors.map(({ text, location }) =>
      location === null
        ? text
        : `${relative(process.cwd(), location.file)}:${location.line}:${location.column + 1} ${text}`,
    );
    throw new Unmet({ expected: 'TypeScript that can be built', came: lines.join('\n') });
  }
}

/** Builds and loads a module of a lab. */
export async function loadModule<T>(entry: string, outfile: string, places: Places): Promise<T> {
  await bundle(entry, outfile, places);
  process.setSourceMapsEnabled(true);
  return createRequire(outfile)(outfile) as T;
}
