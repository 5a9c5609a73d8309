/**
 * All safety laws, in the order they are asked.
 *
 * Lives here: the one list. Does not live here: any law, one a file in this folder. A new law is a file and a line here.
 */
import { agentState } from './agent-state.ts';
import { epochs } from './epochs.ts';
import { grants } from './grants.ts';
import { instanceState } from './instance-state.ts';
import type { LawOf } from './law.ts';
import { managerState } from './manager-state.ts';
import { oneProcess } from './one-process.ts';
import { operations } from './operations.ts';
import { readable } from './readable.ts';
import { rightAddress } from './right-address.ts';

export const LAWS: readonly LawOf[] = [
  managerState,
  agentState,
  instanceState,
  oneProcess,
  rightAddress,
  grants,
  epochs,
  operations,
  readable,
];
