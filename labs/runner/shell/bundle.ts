/**
 * TypeScript of labs and of students, made into one CommonJS file each: `.cjs`, since it may lie below a package of modules.
 *
 * Lives here: calling esbuild, loading a bundle. Does not live here: types (nobody checks them here; editors do).
 *
 * Why on the fly: labs and students' folders are no part of the build, and Node 20 does not run TypeScript. It takes some 30 ms.
 * `ssmmp-lab/…` is the clone, wherever the student's folder lies: `import { runService } from 'ssmmp-lab/services/kit/main.ts'`.
 * A folder may also be laid over the clone: then a program of the clone is built with the student's files in place of ours.
 */
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { BuildFailure, Plugin } from 'esbuild';
import { Unmet } from './unmet.ts';
import type { Places } from './places.ts';

/** Files that take the place of the clone's: `folder/manager/core/ports.ts` of `manager/core/ports.ts`. */
export interface Overlay {
  readonly folder: string;
  /** Folders of the clone, such as `manager/core`: what lies below them is taken from `folder`, and must be there. */
  readonly parts: readonly string[];
  /** Files of these folders that are the clone's all the same: laws, say. */
  readonly ours: readonly string[];
}

/** Builds `entry` into `outfile`. Throws Unmet with every place that esbuild cannot read. */
export async function bundle(entry: string, outfile: string, places: Places, overlay?: Overlay): Promise<void> {
  const { build } = await import('esbuild');
  try {
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      // A program of the clone with other files in it is large and never debugged: it starts sooner without.
      sourcemap: overlay === undefined ? 'inline' : false,
      legalComments: 'none',
      logLevel: 'silent',
      external: ['@node-rs/argon2', 'esbuild'],
      alias: { 'ssmmp-lab': places.root },
      nodePaths: [join(places.root, 'node_modules')],
      plugins: overlay === undefined ? [] : [laidOver(overlay, places.root)],
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

function laidOver({ folder, parts, ours }: Overlay, root: string): Plugin {
  const [theirs, clone] = [realpathSync(folder), realpathSync(root)];
  return {
    name: 'laid-over',
    setup(build) {
      build.onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir }) => {
        const wanted = resolve(resolveDir, path);
        const place = placeIn(theirs, wanted) ?? placeIn(clone, wanted);
        if (place === null || place.startsWith('node_modules/')) return null;
        const isTheirs = parts.some((part) => place.startsWith(`${part}/`)) && !ours.includes(place);
        return { path: join(isTheirs ? theirs : clone, place) };
      });
    },
  };
}

/** `path` as it is called below `folder`; null where it lies elsewhere. */
function placeIn(folder: string, path: string): string | null {
  const place = relative(folder, path);
  return place.startsWith('..') || isAbsolute(place) ? null : place.split(sep).join('/');
}

/** Builds and loads a module of a lab. */
export async function loadModule<T>(entry: string, outfile: string, places: Places): Promise<T> {
  await bundle(entry, outfile, places);
  process.setSourceMapsEnabled(true);
  return createRequire(outfile)(outfile) as T;
}
