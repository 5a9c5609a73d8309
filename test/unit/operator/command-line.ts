/** Runs `ssmmp` as a process of its own, bundled from its sources once, and collects what it says. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const SOURCE = fileURLToPath(new URL('../../../operator/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ssmmp-bundle-'));
const BUNDLE = join(folder, 'ssmmp.cjs');
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Bundles the command; call it before the tests. Loose modules under tsx would take twenty times as long to start. */
export async function bundle(): Promise<void> {
  await esbuild.build({
    entryPoints: [SOURCE],
    outfile: BUNDLE,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    define: { 'import.meta.url': '__fileUrl' },
    banner: { js: 'const __fileUrl = require("node:url").pathToFileURL(__filename).href;' },
  });
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** Resolves when stdout holds the text. */
  said(text: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** Runs it to its end with this descriptor as its stdout. */
export async function runInto(stdout: number, args: readonly string[]): Promise<Omit<Ended, 'stdout'>> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [BUNDLE, ...args], { env: { PATH, HOME }, stdio: ['ignore', stdout, 'pipe'] });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

/** Starts it. No variable of the tester's environment reaches it but PATH and HOME. */
export function start(args: readonly string[], env: Record<string, string> = {}): Running {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [BUNDLE, ...args], { env: { PATH, HOME, ...env } });
  let [stdout, stderr] = ['', ''];
  let onGrowth = (): void => undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    onGrowth();
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  const said = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no '${text}' in:\n${stdout}\n${stderr}`)), 8000);
      onGrowth = () => {
        if (!stdout.includes(text)) return;
        clearTimeout(timer);
        resolve();
      };
      onGrowth();
    });
  return { child, said, ended };
}

/** Runs it to its end. */
export async function ssmmp(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return await start(args, env).ended;
}
