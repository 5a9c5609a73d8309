/**
 * A session reaches the instance it was granted, and is an edge of the graph.
 *
 * Lives here: at each session that comes on, who is at its other end. Does not live here: who granted it. What this law
 * guards against is a port that was given to another instance while somebody was still on his way to it (R21).
 */
import type { LawOf } from './law.ts';
import { InstanceProcess } from '../instance-process.ts';

export const rightAddress: LawOf = (world) => ({
  name: 'a session reaches the instance that was granted, over an edge of the graph',
  afterStep({ process, input, effects }) {
    if (input.kind !== 'dialed' || !(process instanceof InstanceProcess)) return null;
    for (const effect of effects) {
      if (effect.kind !== 'use_session') continue;
      const { key, plug } = effect as unknown as { readonly key: string; readonly plug: string };
      const granted = process.state.sources.get(key)?.granted;
      const other = process.data.peerOf(key);
      if (granted === undefined || other === null) continue;
      const { serviceName, instanceId } = other.settings;
      if (instanceId !== granted.destInstanceId || serviceName !== granted.destService)
        return `${process.name} was granted ${granted.destService}/${granted.destInstanceId ?? '?'} and reached ${other.name}`;
      const { graph, edited } = world.options;
      const isEdge = [...graph.edges, ...edited.edges].some(
        (edge) => edge.source === process.settings.serviceName && edge.plug === plug && edge.dest === serviceName,
      );
      if (!isEdge) return `${process.name} ${plug} → ${other.name} is no edge`;
    }
    return null;
  },
});
