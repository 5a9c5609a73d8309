/**
 * Everything that can happen to an agent.
 *
 * Lives here: the closed union of inputs, and what an agent is told when it starts. Does not live here: what
 * follows from one (step.ts, dialogues/). Messages come as the raw line, so that the core alone decides what
 * they mean.
 */
import type { SocketSetting } from '../../ssmmp/core/catalog.ts';
import type { RepositoryService } from '../../ssmmp/core/repository-file.ts';
import type { TimerPreset } from '../../ssmmp/core/timers.ts';

/** What an agent is told when it starts. */
export interface AgentSettings {
  /** Canonical address of the node. */
  readonly address: string;
  /** Port on which instances reach this agent. */
  readonly port: number;
  /** x_node: a random name that the agent keeps in its state (R16, R48). */
  readonly node: string;
  readonly repository: readonly RepositoryService[];
  /** Folder of all data directories; a service without plugs gets the one named for it. */
  readonly dataDir: string;
  /** What every child's environment has of the agent's own: PATH, HOME, LANG and the SSMMP_ variables that are passed on. */
  readonly baseEnv: Readonly<Record<string, string>>;
  /** Factor on every timer (R46). */
  readonly timerScale: number;
  /** The table of durations that the factor scales (R46); `lab` where it is missing. */
  readonly timerPreset?: TimerPreset;
  /** Emit no x_ line at all. */
  readonly strict: boolean;
  /** Nodes share this address and differ by x_node (R16). */
  readonly sharedAddress: boolean;
  /** Where jitter starts from: chance is the shell's, the core only draws on it. */
  readonly seed: number;
}

/** One child as the agent's state file keeps it (R47). */
export interface RememberedInstance {
  readonly id: number;
  readonly service: string;
  readonly pid: number;
  /** When that process started, so that another process with its pid is not taken for it. */
  readonly startTime: string | null;
  readonly sockets: readonly SocketSetting[];
  readonly ready: boolean;
  /** It has never named itself: the agent answers for it. */
  readonly mute: boolean;
}

/** The little an agent keeps on disk: who it is, whose epoch it has seen, and its children. */
export interface Remembered {
  readonly node: string;
  readonly cluster: string | null;
  readonly epoch: number;
  /** Instances that had a process, or were about to have one: whether it was started, nobody noted. */
  readonly spent: readonly number[];
  readonly instances: readonly RememberedInstance[];
}

/** A process of an instance. `run` tells apart two processes started for the same instance id (R28). */
interface OfRun {
  readonly at: number;
  readonly instance: number;
  readonly run: number;
}

export type AgentInput =
  /** First input. `remembered` is null when no state was found: then what runs here is unknown (R47). */
  | {
      readonly kind: 'agent_started';
      readonly at: number;
      readonly settings: AgentSettings;
      readonly remembered: Remembered | null;
    }
  /** `connect_manager` succeeded. */
  | { readonly kind: 'manager_connected'; readonly at: number; readonly connection: number }
  | { readonly kind: 'manager_unreached'; readonly at: number; readonly why: string }
  /** Somebody connected to the instances' port. */
  | { readonly kind: 'connection_opened'; readonly at: number; readonly connection: number; readonly address: string }
  /** From here on a connection may be an instance's, a stranger's or the Manager's. */
  | { readonly kind: 'line_received'; readonly at: number; readonly connection: number; readonly line: string }
  | { readonly kind: 'oversized_received'; readonly at: number; readonly connection: number }
  | { readonly kind: 'connection_closed'; readonly at: number; readonly connection: number; readonly why: string }
  /** Yield of `probe_ports`: those that somebody holds. */
  | (OfRun & { readonly kind: 'ports_probed'; readonly taken: readonly number[] })
  /** Yields of `spawn`. */
  | (OfRun & { readonly kind: 'process_started'; readonly pid: number; readonly startTime: string | null })
  | (OfRun & { readonly kind: 'process_failed'; readonly why: string })
  /** Reaped, or, for an adopted one, seen to be gone; then both are null: its parent is not this process. */
  | (OfRun & { readonly kind: 'process_ended'; readonly code: number | null; readonly signal: string | null })
  /** Yield of `check_process`. */
  | (OfRun & { readonly kind: 'process_checked'; readonly alive: boolean })
  /** Yield of `probe_sockets`. */
  | (OfRun & { readonly kind: 'sockets_probed'; readonly accepting: boolean })
  /** The agent itself is to end, and its children with it. */
  | { readonly kind: 'stop_requested'; readonly at: number }
  | { readonly kind: 'tick'; readonly at: number };
