/**
 * cluster.json: what a running testbed tells other commands about itself.
 *
 * Lives here: its fields, reading and writing. Does not live here: who runs (pid files say that).
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GatewayRow, NodeRow } from '../core/rows.ts';

export interface ClusterFile {
  readonly subnet: string;
  /** The Manager's address. */
  readonly manager: string;
  readonly operator_port: number;
  /** The Manager's DNS: `cnapp --gateway ALIAS` asks there. */
  readonly dns: { readonly address: string; readonly port: number };
  readonly gateways: readonly GatewayRow[];
  readonly nodes: readonly Pick<NodeRow, 'node' | 'agent_network_address'>[];
  /** The process of `ssmmp up`. */
  readonly pid: number;
  /** Where it takes faults, with the operator token. Not there until users are served. */
  readonly front?: { readonly address: string; readonly port: number };
  /** How it was started: an `ssmmp up` with the same options takes over what still runs. */
  readonly options?: ClusterOptions;
}

/** What must be the same for a take-over. */
export interface ClusterOptions {
  readonly nodes: number;
  readonly graph: string;
  readonly repository: string;
  readonly mirror: string;
  readonly shared_address: boolean;
  readonly strict: boolean;
  readonly timers: string;
  readonly timer_scale: number;
}

/** The file of a state directory, or null when there is none that can be read. */
export function readClusterFile(stateDir: string): ClusterFile | null {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(join(stateDir, 'cluster.json'), 'utf8'));
  } catch {
    return null; // no cluster was started from here, or its file is damaged: defaults hold
  }
  const file = (value ?? {}) as Partial<ClusterFile>;
  const isWhole =
    typeof file.subnet === 'string' && typeof file.manager === 'string' && typeof file.operator_port === 'number';
  return isWhole && Array.isArray(file.gateways) && Array.isArray(file.nodes) ? (file as ClusterFile) : null;
}

/** Writes it whole or not at all. */
export function writeClusterFile(stateDir: string, file: ClusterFile): void {
  const path = join(stateDir, 'cluster.json');
  writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(file, null, 2)}\n`);
  renameSync(`${path}.${process.pid}`, path);
}

export function removeClusterFile(stateDir: string): void {
  rmSync(join(stateDir, 'cluster.json'), { force: true });
}
