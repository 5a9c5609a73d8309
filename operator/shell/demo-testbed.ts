/**
 * The testbed of a demo: the one that runs, or one of its own.
 *
 * Lives here: choosing, starting, ending. Does not live here: demos.
 *
 * A demo takes the testbed of the state directory when it serves the social network, so that a class can watch it in other
 * windows. Where none runs, and where files are to be damaged, it starts its own: in a subnet that is free, with a state
 * directory among the temporary files, gone when the demo is over.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_SUBNET, MANAGER_PORT, managerAddress } from '../core/addresses.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { FrontClient } from './front-client.ts';
import { OperatorClient } from './operator-client.ts';
import { portState } from './port-check.ts';
import { readSettings } from './settings.ts';
import type { Settings } from './settings.ts';

const REFERENCE = 'social-media';
/** Subnets that are tried, from 127.0.90 on. */
const SUBNET_FIRST = 90;
const SUBNETS = 40;

export interface DemoTestbed {
  readonly settings: Settings;
  readonly isOwn: boolean;
  end(): Promise<void>;
}

export async function demoTestbed(settings: Settings, needsOwn: boolean): Promise<DemoTestbed> {
  if (!needsOwn && (await serves(settings))) return { settings, isOwn: false, end: () => Promise.resolve() };
  return await startOwn(settings);
}

async function serves(settings: Settings): Promise<boolean> {
  try {
    await new FrontClient(settings).list();
    return (await new OperatorClient(settings).graph()).cnapp === REFERENCE;
  } catch (error) {
    if (error instanceof OperatorError) return false; // nothing runs there
    throw error;
  }
}

async function startOwn({ output }: Settings): Promise<DemoTestbed> {
  const stateDir = mkdtempSync(join(tmpdir(), 'ssmmp-demo-'));
  const subnet = await freeSubnet();
  const flags = ['--subnet', subnet, '--state-dir', stateDir];
  const end = async (): Promise<void> => {
    await runSelf(['down', ...flags]);
    rmSync(stateDir, { recursive: true, force: true });
  };
  const { code, said } = await runSelf(['up', '--detach', ...flags]);
  if (code !== 0) {
    await end();
    throw new OperatorError(EXIT.failed, `no testbed for the demo could be started: ${said.trim()}`);
  }
  return { settings: readSettings({ stateDir, subnet, output }), isOwn: true, end };
}

/** The first subnet whose Manager's port is free; the default where a host has one loopback address only. */
async function freeSubnet(): Promise<string> {
  for (let n = SUBNET_FIRST; n < SUBNET_FIRST + SUBNETS; n += 1) {
    const state = await portState(managerAddress(`127.0.${n}`), MANAGER_PORT);
    if (state === 'free') return `127.0.${n}`;
    if (state === 'no such address') return DEFAULT_SUBNET;
  }
  throw new OperatorError(EXIT.failed, `no subnet from 127.0.${SUBNET_FIRST} on is free for a demo`);
}

/** This program once more, to its end. */
function runSelf(args: readonly string[]): Promise<{ readonly code: number; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      // a Ctrl-C ends the demo, and the demo ends the testbed
      detached: true,
      env: { ...process.env, NO_COLOR: '1' },
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('error', reject);
    child.once('exit', (code) => resolve({ code: code ?? 1, said }));
  });
}
