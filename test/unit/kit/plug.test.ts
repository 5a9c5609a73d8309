/** When a plug asks for another session, with sessions that are only numbers. */
import { expect } from 'chai';
import { PlugSessions } from '../../../services/kit/shell/plug.ts';
import type { SourceSession } from '../../../services/kit/shell/source-session.ts';

/** A plug with so many sessions, each with so many requests under way, and what it asked for. */
function plugWith(
  replicas: number,
  ...live: number[]
): { plug: PlugSessions; sessions: SourceSession[]; needs: number[] } {
  const needs: number[] = [];
  const plug = new PlugSessions(
    'test-plug',
    (atLeast) => needs.push(atLeast),
    () => 0,
    1500,
  );
  plug.spreadOver(replicas);
  const sessions = live.map((count) => {
    const session = { live: count, sent: 0, sentSeen: 0, draining: false, drain: () => void (session.draining = true) };
    return session as unknown as SourceSession;
  });
  for (const session of sessions) plug.add(session);
  return { plug, sessions, needs };
}

describe('kit: a session of a plug is closed', () => {
  const cases: [what: string, replicas: number, live: number[], needs: number[]][] = [
    ['the only one, in use: another one', 1, [1], [1]],
    ['the only one, not in use: nothing', 1, [0], []],
    ['one of two to two replicas: a second one', 2, [1, 1], [2]],
    // It was closed so that the plug learns of a new replica: what only stands by would hide it.
    ['in use, while another stands by: a second one all the same', 1, [1, 0], [2]],
  ];
  for (const [what, replicas, live, expected] of cases)
    it(what, () => {
      const { plug, sessions, needs } = plugWith(replicas, ...live);
      plug.drain(sessions[0] as SourceSession);
      expect(needs).to.deep.equal(expected);
    });
});
