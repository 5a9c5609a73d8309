/** Every demo, in the order in which a class sees them. Lives here: the list, and nothing else. */
import { AGENT, CRASH, HANG, MANAGER, NODE_OFF, SPLIT_BRAIN } from './failures.ts';
import { DISK_FULL, MIGRATE, TORN_LOG } from './moves-and-disks.ts';
import type { Demo } from './stage.ts';

export const DEMOS: readonly Demo[] = [
  CRASH,
  HANG,
  NODE_OFF,
  SPLIT_BRAIN,
  AGENT,
  MANAGER,
  MIGRATE,
  TORN_LOG,
  DISK_FULL,
];
