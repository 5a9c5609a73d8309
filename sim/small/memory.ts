/**
 * All states and words that a search has met. Worlds are numbers into it.
 *
 * Lives here: the three machines with their laws. Does not live here: any world.
 */
import type { AgentEffect } from '../../agent/core/effects.ts';
import type { AgentInput, AgentSettings } from '../../agent/core/inputs.ts';
import type { AgentState } from '../../agent/core/state.ts';
import { agentMachine } from '../../agent/core/step.ts';
import type { ManagerEffect } from '../../manager/core/effects.ts';
import type { ManagerInput } from '../../manager/core/inputs.ts';
import type { ManagerState } from '../../manager/core/state.ts';
import { managerMachine } from '../../manager/core/step.ts';
import type { InstanceEffect } from '../../services/kit/core/effects.ts';
import type { InstanceInput } from '../../services/kit/core/inputs.ts';
import type { InstanceState } from '../../services/kit/core/state.ts';
import { instanceMachine } from '../../services/kit/core/step.ts';
import { Cells, Words } from './cells.ts';
import { agentLaw, forgetHistory, instanceLaw, managerLaw } from './laws.ts';

export class Memory {
  readonly managers = new Cells<ManagerState, ManagerInput, ManagerEffect>(managerMachine, {
    forget: forgetHistory,
    law: managerLaw,
  });
  readonly agents = new Cells<AgentState, AgentInput, AgentEffect>(agentMachine, { law: agentLaw });
  readonly instances = new Cells<InstanceState, InstanceInput, InstanceEffect>(instanceMachine, { law: instanceLaw });
  readonly words = new Words();
  readonly settings: readonly AgentSettings[];
  /** Faults that a world begins with. */
  readonly faults: number;

  /** Plugs of an instance, by its state; empty while it ends. */
  private readonly plugs = new Map<number, readonly string[]>();

  constructor(settings: readonly AgentSettings[], faults = 0) {
    this.settings = settings;
    this.faults = faults;
  }

  /** The plugs of an instance that have no session and open none. */
  plugsOf(cell: number): readonly string[] {
    let plugs = this.plugs.get(cell);
    if (plugs === undefined) {
      const state = this.instances.state(cell);
      const busy = [...state.sources.values(), ...state.openings.values()].map(({ plug }) => plug);
      plugs = [...state.plugs.keys()].filter((plug) => !busy.includes(plug));
      if (state.ending !== null) plugs = [];
      this.plugs.set(cell, plugs);
    }
    return plugs;
  }
}
