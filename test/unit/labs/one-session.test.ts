/** Lab 1: how a session ended is told by who speaks, however late a busy machine lets them. */
import { expect } from 'chai';
import { sessionsOf } from '../../../labs/01-one-session/sessions.ts';
import type { Evidence, TraceEntry } from '../../../labs/runner/api.ts';

const PORTS = 'source_service_instance_network_address: 127.0.0.12 ~ source_plug_port: 20448';
const OPENING =
  'source_service_name: post ~ source_service_instance_id: 7 ~ source_plug_name: posts-plug ~ dest_service_name: posts-db ~ ' +
  `dest_service_instance_id: 3 ~ dest_service_instance_network_address: 127.0.0.11 ~ dest_socket_port: 54001 ~ ${PORTS}`;

/** `seconds from to type: more lines`. */
function trace(...lines: readonly string[]): Evidence {
  const entries = lines.map((line): TraceEntry => {
    const [seconds = '', from = '', to = '', ...message] = line.split(' ');
    const hop = [from, to].includes('Manager') ? 'agent-Manager' : 'instance-agent';
    const time = new Date(Number(seconds) * 1000).toISOString();
    const exchange = `${message[0] ?? ''}/${from === 'Manager' ? 'Manager' : ''}`.replace(
      /_(request|response|ack)\b/,
      '',
    );
    return { time, hop, from, to, exchange, message: `type: ${message.join(' ')}` };
  });
  return { trace: entries } as unknown as Evidence;
}

const OPENED = [`1 post/7 agent-2 session_request ~ ${OPENING}`, `1 post/7 agent-2 session_ack ~ ${OPENING}`];
const SOURCE_REPORTS = `2 post/7 agent-2 source_service_session_close_info ~ ${PORTS} ~ dest_socket_port: 54001`;
const DEST_REPORTS = `2 posts-db/3 agent-1 dest_service_session_close_info ~ ${PORTS} ~ dest_socket_port: 54001`;
const SOURCE_IS_ASKED = `2 Manager agent-2 source_service_session_close_request ~ ${PORTS} ~ dest_socket_port: 54001`;
const died = (seconds: number, name: string, id: number): string =>
  `${seconds} agent-1 Manager service_instance_termination_info ~ service_name: ${name} ~ service_instance_id: ${id} ~ x_exit: signal SIGKILL`;

describe('lab 1: how a session ended', () => {
  const endingOf = (...lines: readonly string[]): unknown =>
    sessionsOf(trace(...OPENED, ...lines), 'posts-plug')[0]?.ending;

  it('the destination was killed: the source alone speaks, and the agent may tell of the death much later, or first', () => {
    expect(endingOf(SOURCE_REPORTS, died(40, 'posts-db', 3))).to.equal('dest-killed');
    expect(endingOf(died(1, 'posts-db', 3), SOURCE_IS_ASKED, SOURCE_REPORTS)).to.equal('dest-killed');
    // and the source later on, for the next experiment
    expect(endingOf(SOURCE_REPORTS, died(2, 'posts-db', 3), died(2, 'post', 7))).to.equal('dest-killed');
  });

  it('the source was killed', () => {
    expect(endingOf(DEST_REPORTS, died(40, 'post', 7))).to.equal('source-killed');
  });

  it('the Manager asked, and both spoke; a later death does not matter', () => {
    expect(endingOf(SOURCE_IS_ASKED, SOURCE_REPORTS, DEST_REPORTS, died(2, 'posts-db', 3))).to.equal('manager-closes');
  });

  it('it was idle: neither', () => {
    expect(endingOf(SOURCE_REPORTS, DEST_REPORTS, died(2, 'posts-db', 3))).to.equal(null);
    expect(endingOf(SOURCE_REPORTS, DEST_REPORTS)).to.equal(null);
  });
});
