/**
 * The agent's command line.
 *
 * Lives here: its flags, their defaults, what is wrong with one. Does not live here: what they lead to. Read with
 * node:util, because an agent's own start time counts when a node comes back.
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { canonicalAddress, splitAddressPort } from '../../ssmmp/core/address.ts';
import { parsePort } from '../../ssmmp/core/names.ts';
import { isTimerPreset, TIMER_PRESETS, type TimerPreset } from '../../ssmmp/core/timers.ts';
import { AGENT_PORT, MANAGER_PORT } from '../core/limits.ts';

export interface AgentOptions {
  readonly address: string;
  /** Null: the first free one of those for shared addresses (R16). */
  readonly port: number | null;
  readonly manager: { readonly address: string; readonly port: number };
  readonly repositoryFile: string;
  readonly stateDir: string;
  readonly dataDir: string;
  readonly strict: boolean;
  readonly sharedAddress: boolean;
  readonly timerScale: number;
  readonly timerPreset: TimerPreset;
}

export const USAGE = `usage: agent --address ADDR --manager ADDR[:PORT] --repository FILE [options]

  --address ADDR        this node's address, IPv4 or IPv6
  --manager ADDR:PORT   where the Manager is (port ${MANAGER_PORT} when left out)
  --repository FILE     the programs this node can run, YAML or JSON
  --state-dir DIR       state, logs and trace of this agent (default .ssmmp/nodes/ADDR)
  --data-dir DIR        data of services that store (default: baas beside the folder above the state directory)
  --port PORT           where instances reach this agent (default ${AGENT_PORT})
  --shared-address      several nodes share this address and differ by port
  --strict-1.1          no x_ line in any message
  --timers lab          durations to start from: lab, nomad or kubernetes (also SSMMP_TIMERS)
  --timer-scale F       factor on every timer (also SSMMP_TIMER_SCALE)
`;

/** The options, `help`, or a sentence that says what is wrong. Flag before environment. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): AgentOptions | 'help' | string {
  let flags: Flags;
  try {
    flags = parseFlags(args);
  } catch (error) {
    return (error as Error).message;
  }
  if (flags.help === true) return 'help';
  const address = canonicalAddress(flags.address ?? '');
  if (address === null)
    return `--address ${flags.address ?? 'is missing'}: expected an IPv4 or IPv6 address, no name (R15)`;
  const manager = splitAddressPort(flags.manager ?? '', MANAGER_PORT);
  if (manager === null)
    return `--manager ${flags.manager ?? 'is missing'}: expected ADDR, ADDR:PORT or [IPV6]:PORT (R15)`;
  if (flags.repository === undefined) return '--repository is missing: expected the file that names the programs';
  const port = flags.port === undefined ? null : parsePort(flags.port);
  if (flags.port !== undefined && port === null) return `--port ${flags.port}: expected a port from 1 to 65535`;
  const sharedAddress = flags['shared-address'] === true;
  const strict = flags['strict-1.1'] === true;
  if (sharedAddress && strict)
    return '--shared-address and --strict-1.1 exclude each other: sharing needs the line x_node (R16)';
  const scaleText = flags['timer-scale'] ?? env['SSMMP_TIMER_SCALE'] ?? '1';
  const timerScale = Number(scaleText);
  if (!(timerScale > 0) || timerScale > 1000)
    return `timer scale ${scaleText}: expected a number above 0 and at most 1000 (--timer-scale, SSMMP_TIMER_SCALE)`;
  const timerPreset = flags.timers ?? env['SSMMP_TIMERS'] ?? 'lab';
  if (!isTimerPreset(timerPreset))
    return `timers ${timerPreset}: expected ${TIMER_PRESETS.join(', ')} (--timers, SSMMP_TIMERS)`;
  const stateDir = resolve(flags['state-dir'] ?? join('.ssmmp', 'nodes', address.replaceAll(':', '_')));
  return {
    address,
    port: port ?? (sharedAddress ? null : AGENT_PORT),
    manager,
    repositoryFile: resolve(flags.repository),
    stateDir,
    dataDir: resolve(flags['data-dir'] ?? join(stateDir, '..', '..', 'baas')),
    strict,
    sharedAddress,
    timerScale,
    timerPreset,
  };
}

type Flags = ReturnType<typeof parseFlags>;

function parseFlags(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      address: { type: 'string' },
      manager: { type: 'string' },
      repository: { type: 'string' },
      'state-dir': { type: 'string' },
      'data-dir': { type: 'string' },
      port: { type: 'string' },
      timers: { type: 'string' },
      'timer-scale': { type: 'string' },
      'shared-address': { type: 'boolean' },
      'strict-1.1': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  }).values;
}
