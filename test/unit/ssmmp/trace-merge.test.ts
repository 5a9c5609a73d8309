/**
 * One trace out of several: told once, cause before effect whatever the clocks say.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { mergeTraces } from '../../../ssmmp/core/trace-merge.ts';
import type { TraceEntry } from '../../../ssmmp/core/trace.ts';

const MANAGER = 'Manager';

function entry(ms: number, from: string, to: string, message: string): TraceEntry {
  const hop = [from, to].some((name) => name.includes('/')) ? 'instance-agent' : 'agent-Manager';
  return { time: new Date(Date.UTC(2025, 0, 31) + ms).toISOString(), hop, from, to, exchange: '-', message };
}

function told(entries: readonly TraceEntry[]): string[] {
  return entries.map(({ message }) => message);
}

describe('mergeTraces', () => {
  it('tells once what agent and Manager both saw, as the agent saw it, and keeps what was sent twice', () => {
    const [a, health] = [entry(1, 'agent 1', MANAGER, 'a'), entry(5, MANAGER, 'agent 1', 'health')];
    const b = entry(6, 'post/1', 'agent 1', 'b');
    const atManager = [entry(2, 'agent 1', MANAGER, 'a'), entry(4, MANAGER, 'agent 1', 'health')];
    expect(mergeTraces({ agents: [[a, health, b, health]], manager: atManager })).to.deep.equal([a, health, b, health]);
  });

  it('tells what the Manager alone saw: a killed agent loses its last lines', () => {
    const [a, b] = [entry(1, 'agent 1', MANAGER, 'a'), entry(2, 'agent 1', MANAGER, 'b')];
    expect(told(mergeTraces({ agents: [[a]], manager: [a, b] }))).to.deep.equal(['a', 'b']);
  });

  it('puts a request before what it made the Manager ask of another agent, in one millisecond and with clocks that differ', () => {
    const asked = [
      entry(0, 'gateway/1', 'agent 2', 'session_request'),
      entry(0, 'agent 2', MANAGER, 'session_request, up'),
    ];
    const granted = entry(9, MANAGER, 'agent 2', 'session_response');
    for (const behind of [0, 1, 500, 3_600_000]) {
      const executed = [
        entry(0 - behind, MANAGER, 'agent 1', 'execution_request'),
        entry(8 - behind, 'agent 1', MANAGER, 'execution_response'),
      ];
      const manager = [...asked.slice(1), ...executed, granted].map((each, at) => ({
        ...each,
        time: entry(at, '', '', '').time,
      }));
      expect(told(mergeTraces({ agents: [executed, [...asked, granted]], manager })), `${behind} ms`).to.deep.equal([
        'session_request',
        'session_request, up',
        'execution_request',
        'execution_response',
        'session_response',
      ]);
    }
  });

  it('loses nothing when the parts contradict each other', () => {
    const [a, b] = [entry(1, 'agent 1', MANAGER, 'a'), entry(2, MANAGER, 'agent 1', 'b')];
    // the agent: b came, then it sent a; the Manager: a came, then it sent b
    expect(told(mergeTraces({ agents: [[b, a]], manager: [a, b] }))).to.have.members(['a', 'b']);
  });

  it('never shows an effect before its cause, whatever happens and whatever the clocks say', () => {
    const runs = fc.record({
      clocks: fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 4, maxLength: 4 }),
      steps: fc.array(fc.record({ who: fc.nat(3), to: fc.nat(2), ms: fc.nat(2), receives: fc.boolean() }), {
        maxLength: 60,
      }),
    });
    fc.assert(
      fc.property(runs, ({ clocks, steps }) => {
        const { parts, seenAfter } = played(clocks, steps);
        const merged = mergeTraces({ agents: parts.slice(1), manager: parts[0] ?? [] });
        expect(new Set(told(merged)).size, 'told once').to.equal(merged.length);
        expect(told(merged)).to.have.members([...new Set(told(parts.flat()))]);
        for (const [at, later] of merged.entries())
          for (const earlier of merged.slice(0, at))
            expect(seenAfter.get(earlier)?.has(later) ?? false, `${later.message} caused ${earlier.message}`).to.equal(
              false,
            );
      }),
    );
  });
});

interface Step {
  readonly who: number;
  readonly to: number;
  readonly ms: number;
  readonly receives: boolean;
}

/** The Manager (0) and three agents send and receive at will. `seenAfter`: what happened before each entry, as its process knows. */
function played(
  clocks: readonly number[],
  steps: readonly Step[],
): { parts: TraceEntry[][]; seenAfter: Map<TraceEntry, Set<TraceEntry>> } {
  const parts: TraceEntry[][] = [[], [], [], []];
  const known: Set<TraceEntry>[] = parts.map(() => new Set());
  const underWay = new Map<number, { entry: TraceEntry; from: number; knew: Set<TraceEntry> }[]>();
  const seenAfter = new Map<TraceEntry, Set<TraceEntry>>();
  const name = (who: number): string => (who === 0 ? MANAGER : `agent ${who}`);
  let now = 100;
  const see = (who: number, entryOf: (ms: number) => TraceEntry): TraceEntry => {
    const seen = entryOf(now + (clocks[who] ?? 0));
    seenAfter.set(seen, new Set(known[who]));
    known[who]?.add(seen);
    parts[who]?.push(seen);
    return seen;
  };
  for (const [number, { who, to, ms, receives }] of steps.entries()) {
    now += ms;
    if (receives) {
      const came = underWay.get(who)?.shift();
      if (came === undefined) continue;
      for (const each of came.knew) known[who]?.add(each);
      see(who, (at) => entry(at, name(came.from), name(who), came.entry.message));
    } else {
      const other = who === 0 ? 1 + to : 0;
      const sent = see(who, (at) => entry(at, name(who), name(other), `message ${number}`));
      const waiting = underWay.get(other) ?? [];
      waiting.push({ entry: sent, from: who, knew: new Set(known[who]) });
      underWay.set(other, waiting);
    }
  }
  return { parts, seenAfter };
}
