/**
 * Which cluster a command means: flag before environment before file.
 *
 * Lives here: state directory, subnet, addresses of the Manager. Does not live here: options of single
 * commands.
 */
import { join, resolve } from 'node:path';
import { DEFAULT_SUBNET, isSubnet, managerAddress, OPERATOR_PORT } from '../core/addresses.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import type { OutputFormat } from '../core/tables.ts';
import { readClusterFile } from './cluster-file.ts';

export const DEFAULT_STATE_DIR = '.ssmmp';

/** Options every command takes, as commander gives them (it has looked at the environment already). */
export interface GlobalOptions {
  readonly subnet?: string;
  readonly stateDir?: string;
  readonly operatorPort?: string;
  readonly output: OutputFormat;
}

export interface Settings {
  readonly subnet: string;
  /** Absolute. */
  readonly stateDir: string;
  /** True where neither flag, environment nor file moved subnet or state directory. */
  readonly isDefault: boolean;
  readonly operator: { readonly address: string; readonly port: number };
  readonly output: OutputFormat;
}

/** Puts flag, environment and the cluster's own file together. Throws OperatorError (usage) for a subnet that is none. */
export function readSettings(options: GlobalOptions): Settings {
  const stateDir = resolve(options.stateDir ?? DEFAULT_STATE_DIR);
  const file = readClusterFile(stateDir);
  const subnet = options.subnet ?? file?.subnet ?? DEFAULT_SUBNET;
  if (!isSubnet(subnet)) {
    throw new OperatorError(
      EXIT.usage,
      `--subnet '${subnet}' is no subnet; expected three numbers such as 127.0.7, or with --netns an IPv6 prefix such as fd55::`,
    );
  }
  const port = options.operatorPort === undefined ? null : portOf(options.operatorPort);
  const isThatCluster = file !== null && file.subnet === subnet;
  return {
    subnet,
    stateDir,
    isDefault: subnet === DEFAULT_SUBNET && stateDir === resolve(DEFAULT_STATE_DIR),
    operator: {
      address: isThatCluster ? file.manager : managerAddress(subnet),
      port: port ?? (isThatCluster ? file.operator_port : OPERATOR_PORT),
    },
    output: options.output,
  };
}

/** Files of a cluster's state directory. */
export const stateFiles = {
  token: (stateDir: string): string => join(stateDir, 'operator-token'),
  cluster: (stateDir: string): string => join(stateDir, 'cluster.json'),
  lock: (stateDir: string): string => join(stateDir, 'up.lock'),
  upLog: (stateDir: string): string => join(stateDir, 'up.log'),
  managerPid: (stateDir: string): string => join(stateDir, 'manager.pid'),
  managerLock: (stateDir: string): string => join(stateDir, 'manager.lock'),
  /** What the supervisor has started, from the first moment on. */
  supervisorRecord: (stateDir: string): string => join(stateDir, 'supervisor.json'),
  supervisorPid: (stateDir: string): string => join(stateDir, 'supervisor.pid'),
  supervisorLock: (stateDir: string): string => join(stateDir, 'supervisor.lock'),
  supervisorLog: (stateDir: string): string => join(stateDir, 'supervisor.log'),
  managerLog: (stateDir: string): string => join(stateDir, 'manager.log'),
  nodes: (stateDir: string): string => join(stateDir, 'nodes'),
};

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) {
    throw new OperatorError(EXIT.usage, `--operator-port '${text}' is no port; expected a number from 1 to 65535`);
  }
  return port;
}
