/**
 * What journal and trace say about failures, for lab 5: deaths and starts, silence, nodes lost, instances that were replaced.
 *
 * Lives here: finding them. Does not live here: what was predicted or written down (answers.ts, check.ts).
 *
 * The moment of a fault itself stands nowhere: a process that is stopped does not say so. What there is, is the last thing that
 * was heard, and every time here counts from an event or from such a last word.
 */
import { linesOf, typeOf } from '../runner/api.ts';
import type { Evidence, LabEvent } from '../runner/api.ts';

/** A start that belongs to a decision is in the same step of the Manager, or a few milliseconds later. */
const SAME_STEP_MS = 50;

export interface Crash {
  readonly died: LabEvent;
  readonly started: LabEvent;
  readonly waitMs: number;
}

export interface Hang {
  readonly instance: string;
  readonly givenUp: LabEvent;
  /** Times of its last answer, as the instance's hop and the agent's hop have it. */
  readonly lastAnswers: readonly string[];
  readonly givenUpMs: number;
  /** When that answer was asked for, milliseconds since 1970. On a busy machine the answer itself may come much later. */
  readonly askedAt: number;
}

export interface LostNode {
  readonly suspected: LabEvent;
  readonly lost: LabEvent;
  /** Instances that took over: the events of their `starting → on`. */
  readonly served: readonly LabEvent[];
  /** When the agent was heard last, milliseconds since 1970. */
  readonly lastWordAt: number;
}

export interface Twice {
  readonly old: string;
  readonly new: string;
  readonly bothMs: number;
}

/** Deaths by a signal, each with the next start of its service. */
export function crashesOf({ events }: Evidence): Crash[] {
  return events.filter(isCrash).flatMap((died) => {
    const started = events.find(
      (event) => event.seq > died.seq && serviceOf(event) === serviceOf(died) && isChange(event, 'planned', 'starting'),
    );
    return started === undefined ? [] : [{ died, started, waitMs: started.at - died.at }];
  });
}

/** Instances that were given up because they did not answer. */
export function hangsOf({ events, trace }: Evidence): Hang[] {
  return events
    .filter(({ what, data, text }) => what === 'instance' && data['before'] === 'on' && text.includes('hung'))
    .flatMap((givenUp) => {
      const id = String(givenUp.data['service_instance_id']);
      const answers = trace.filter(
        ({ message, time }) =>
          typeOf(message) === 'service_instance_health_response' &&
          linesOf(message).get('service_instance_id') === id &&
          Date.parse(time) < givenUp.at,
      );
      const last = answers.findLast(({ hop }) => hop === 'instance-agent');
      if (last === undefined) return [];
      const times = answers.filter(({ exchange }) => exchange === last.exchange).map(({ time }) => time);
      const askedAt = Math.min(
        ...trace.filter(({ exchange }) => exchange === last.exchange).map(({ time }) => Date.parse(time)),
      );
      const givenUpMs = givenUp.at - Date.parse(last.time);
      return [{ instance: nameOf(givenUp), givenUp, lastAnswers: times, givenUpMs, askedAt }];
    });
}

/** Nodes that were suspected and then lost. */
export function lostNodesOf({ events, trace }: Evidence): LostNode[] {
  return events
    .filter(({ what, text }) => what === 'agent' && text.includes('suspect → lost'))
    .flatMap((lost) => {
      const address = lost.data['agent_network_address'];
      const suspected = events.findLast(
        (event) =>
          event.seq < lost.seq &&
          event.data['agent_network_address'] === address &&
          event.text.includes('registered → suspect'),
      );
      if (suspected === undefined) return [];
      const word = trace.findLast(
        ({ from, to, time }) => from === address && to === 'Manager' && Date.parse(time) < suspected.at,
      );
      if (word === undefined) return [];
      const planned = events.filter(
        (event) => event.seq > lost.seq && isChange(event, 'planned', 'starting') && event.at - lost.at <= SAME_STEP_MS,
      );
      const served = planned.flatMap((start) =>
        events.filter((event) => nameOf(event) === nameOf(start) && isChange(event, 'starting', 'on')),
      );
      return [{ suspected, lost, served, lastWordAt: Date.parse(word.time) }];
    });
}

/** Instances that came back after they had been replaced, each with the one that was started in its place. */
export function twicesOf(evidence: Evidence): Twice[] {
  const { events } = evidence;
  const losses = lostNodesOf(evidence);
  return events
    .filter((event) => isChange(event, 'unknown', 'draining'))
    .flatMap((returned) => {
      const address = returned.data['agent_network_address'];
      const loss = losses.findLast(
        ({ lost }) => lost.seq < returned.seq && lost.data['agent_network_address'] === address,
      );
      const on = loss?.served.find((event) => serviceOf(event) === serviceOf(returned));
      const off = events.find(
        (event) => event.seq > returned.seq && nameOf(event) === nameOf(returned) && event.data['status'] === 'off',
      );
      if (on === undefined || off === undefined) return [];
      return [{ old: nameOf(returned), new: nameOf(on), bothMs: off.at - on.at }];
    });
}

function isCrash(event: LabEvent): boolean {
  return event.what === 'instance' && event.data['status'] === 'off' && event.text.includes('ended: signal');
}

function isChange({ what, data }: LabEvent, before: string, status: string): boolean {
  return what === 'instance' && data['before'] === before && data['status'] === status;
}

function serviceOf({ data }: LabEvent): string {
  return String(data['service_name'] ?? '');
}

/** `post/7`, of an event about an instance. */
function nameOf({ data }: LabEvent): string {
  return `${String(data['service_name'] ?? '')}/${String(data['service_instance_id'] ?? '')}`;
}
