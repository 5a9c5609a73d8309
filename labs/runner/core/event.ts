/**
 * The events of a cluster, and what they say about instances and sessions over time.
 *
 * Lives here: the shape of an event and curves for a plot. Does not live here: where events are read
 * (shell/evidence.ts).
 */
import type { PlotLine } from '../../../load/core/plot.ts';

/** One event of the Manager's journal. */
export interface LabEvent {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** manager, agent, instance, session, service, command or protocol. */
  readonly what: string;
  readonly text: string;
  readonly data: Readonly<Record<string, string | number | boolean | null>>;
}

/** States in which an instance or a session is at work. */
const AT_WORK = 'on';

/** How many instances of each service, and how many sessions, were on; seconds count from the first event. */
export function curvesOf(events: readonly LabEvent[]): {
  readonly seconds: number;
  readonly instances: readonly PlotLine[];
  readonly sessions: PlotLine;
} {
  const start = events[0]?.at ?? 0;
  const seconds = Math.max(1, ((events.at(-1)?.at ?? start) - start) / 1000);
  const services = new Map<string, [number, number][]>();
  const on = new Map<number, string>();
  const open = new Set<string>();
  const sessions: [number, number][] = [[0, 0]];
  for (const { what, data, at } of events) {
    const second = (at - start) / 1000;
    const isOn = data['status'] === AT_WORK;
    if (what === 'instance') {
      const [id, service] = [Number(data['service_instance_id']), String(data['service_name'])];
      if (isOn === on.has(id)) continue;
      if (isOn) on.set(id, service);
      else on.delete(id);
      const points = services.get(service) ?? [[0, 0]];
      services.set(service, points);
      points.push([second, [...on.values()].filter((name) => name === service).length]);
    } else if (what === 'session') {
      const key = String(data['session']);
      if (isOn === open.has(key)) continue;
      if (isOn) open.add(key);
      else open.delete(key);
      sessions.push([second, open.size]);
    }
  }
  const lines = [...services].sort(([a], [b]) => a.localeCompare(b));
  return {
    seconds,
    instances: lines.map(([name, points]) => stepLine(name, points, seconds)),
    sessions: stepLine('sessions', sessions, seconds),
  };
}

/** Holds its last value to the end of the plot. */
function stepLine(name: string, points: readonly [number, number][], seconds: number): PlotLine {
  return { name, isStep: true, points: [...points, [seconds, points.at(-1)?.[1] ?? 0]] };
}
