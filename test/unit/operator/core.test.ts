/** The pure half of `ssmmp`: lists, traces, plans, waits. */
import { expect } from 'chai';
import { isSubnet, nodeAddress, nodeNumber, parseInstance, parseNode } from '../../../operator/core/addresses.ts';
import { planCluster } from '../../../operator/core/cluster-plan.ts';
import { servedText } from '../../../operator/core/cluster-text.ts';
import { describe as describeThing } from '../../../operator/core/describe.ts';
import { eventText, timeOfDay, visible } from '../../../operator/core/event-text.ts';
import { isNamedBy, readLogLine } from '../../../operator/core/log-line.ts';
import { deathsAfter, restartWaitMs, STEADY_MS } from '../../../ssmmp/core/restart-wait.ts';
import { liveRows } from '../../../operator/core/rows.ts';
import { PLAIN_STYLE, renderList } from '../../../operator/core/tables.ts';
import { entriesOfSession, parseSessionKey, readTraceLine } from '../../../ssmmp/core/trace.ts';
import type { TraceEntry } from '../../../ssmmp/core/trace.ts';
import { renderTrace } from '../../../operator/core/trace-render.ts';
import { nodeFinding, NODE_OLDEST } from '../../../operator/shell/examination.ts';
import { smallState } from './fake-manager.ts';

const entry = (ms: number, message: string, more: Partial<TraceEntry> = {}): TraceEntry => ({
  time: `2025-01-31T12:00:00.${String(ms).padStart(3, '0')}Z`,
  hop: 'agent-Manager',
  from: '127.0.0.11',
  to: 'Manager',
  exchange: '4/1000',
  message,
  ...more,
});

describe('lists', () => {
  const state = smallState();

  it('an empty list is [] in JSON and only titles in a table', () => {
    expect(renderList('nodes', [], 'json', PLAIN_STYLE)).to.equal('[]\n');
    expect(renderList('nodes', [], 'table', PLAIN_STYLE)).to.equal('NODE  ADDRESS  STATUS\n');
    expect(renderList('nodes', [], 'name', PLAIN_STYLE)).to.equal('');
  });

  it('JSON is the rows as they came', () => {
    expect(JSON.parse(renderList('instances', state.instances, 'json', PLAIN_STYLE))).to.deep.equal(state.instances);
  });

  it('aligns by what is seen, colours not counted', () => {
    const coloured = {
      ...PLAIN_STYLE,
      good: (text: string) => `\u001b[32m${text}\u001b[39m`,
      bad: (text: string) => `\u001b[31m${text}\u001b[39m`,
    };
    const lines = renderList('instances', state.instances, 'table', coloured).split('\n');
    const plain = lines.map((line) => line.replace(/\u001b\[\d+m/g, ''));
    expect(plain.join('\n')).to.equal(renderList('instances', state.instances, 'table', PLAIN_STYLE));
    expect(lines.join('')).to.include('\u001b[32mon');
  });

  it('leaves out what is over', () => {
    expect(liveRows('instances', state.instances).map((row) => row.service_instance_id)).to.deep.equal([1, 5]);
    expect(liveRows('services', state.services)).to.have.length(2);
  });

  it('describe tries session, instance, node, service, unless told the kind', () => {
    expect(describeThing('1', null, state)?.kind).to.equal('instance');
    expect(describeThing('2', null, state)?.kind).to.equal('node');
    expect(describeThing('1', 'node', state)?.kind).to.equal('node');
    expect(describeThing('gw/5', null, state)).to.equal(null);
    expect(describeThing('gw', 'instance', state)).to.equal(null);
  });

  it('R20 describe takes the latest of the sessions with one KEY', () => {
    const [closed, open] = state.sessions;
    if (closed === undefined || open === undefined) throw new Error('no sessions');
    const again = { ...state, sessions: [{ ...open, status: 'closed' }, open] };
    const found = describeThing('127.0.47.11:20001-127.0.47.12:54001', null, again);
    expect(found?.kind === 'session' && found.session.status).to.equal('on');
  });
});

describe('names of things', () => {
  it('INSTANCE is an id or service/id, NODE an address or a number', () => {
    expect(parseInstance('5')).to.deep.equal({ service: null, id: 5 });
    expect(parseInstance('post/5')).to.deep.equal({ service: 'post', id: 5 });
    for (const text of ['', '0', 'post', 'post/', '/5', 'post/5/6', '-1', '5x'])
      expect(parseInstance(text), text).to.equal(null);
    expect(parseNode('2')).to.deep.equal({ node: 2 });
    expect(parseNode('FD55::1')).to.deep.equal({ address: 'fd55::1' });
    expect(parseNode('localhost')).to.equal(null);
  });

  it('node n of a subnet is at .10 + n', () => {
    expect(nodeAddress('127.0.7', 1)).to.equal('127.0.7.11');
    expect(nodeNumber('127.0.7', '127.0.7.12')).to.equal(2);
    for (const address of ['127.0.7.10', '127.0.8.11', '127.0.7.255', '127.0.71.1', 'fd55::1'])
      expect(nodeNumber('127.0.7', address), address).to.equal(null);
    expect(['127.0.0', '127.0.0.1', '127.0', '127.0.256', 'a.b.c'].map(isSubnet)).to.deep.equal([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('trace', () => {
  it('finds the messages that opened and closed a session, on all hops, and nobody else’s', () => {
    const opening = [
      entry(1, 'type: session_request ~ message_id: 1000 ~ source_service_instance_network_address: 127.0.0.11'),
      entry(
        2,
        'type: session_response ~ message_id: 1000 ~ dest_service_instance_network_address: 127.0.0.12 ~ dest_socket_port: 54000',
      ),
      entry(3, 'type: session_ack ~ message_id: 1000 ~ source_plug_port: 20000 ~ dest_socket_new_port: 54000'),
    ];
    const fields =
      'source_service_instance_network_address: 127.0.0.11 ~ source_plug_port: 20000 ~ dest_service_instance_network_address: 127.0.0.12 ~ dest_socket_port: 54000';
    const closing = [
      entry(4, `type: source_service_session_close_request ~ message_id: 30000 ~ ${fields}`, {
        exchange: 'Manager/30000',
      }),
      entry(5, 'type: source_service_session_close_response ~ message_id: 30000 ~ status: 200', {
        exchange: 'Manager/30000',
      }),
    ];
    const other = [
      entry(2, `type: dest_service_session_close_info ~ ${fields.replace('20000', '20001')}`, { exchange: '5/1000' }),
      entry(3, 'type: session_ack ~ source_plug_port: 20000', { exchange: '6/1000' }),
    ];
    const all = [...opening, ...other, ...closing];
    expect(entriesOfSession(all, '127.0.0.11:20000-127.0.0.12:54000')).to.deep.equal([...opening, ...closing]);
  });

  it('reads KEYs, IPv6 in brackets, and writes them canonically', () => {
    expect(parseSessionKey('127.0.0.11:20000-127.0.0.12:54000')).to.equal('127.0.0.11:20000-127.0.0.12:54000');
    expect(parseSessionKey('[FD55:0::1]:20000-[fd55::2]:54000')).to.equal('[fd55::1]:20000-[fd55::2]:54000');
    for (const text of ['', '127.0.0.11-127.0.0.12', 'a:1-b:2', '127.0.0.11:20000', '127.0.0.11:0-127.0.0.12:1']) {
      expect(parseSessionKey(text), text).to.equal(null);
    }
  });

  it('skips lines that were cut off, reads a line that is no message', () => {
    expect(['', '{', 'null', '{"time": 1}', '[]'].map(readTraceLine)).to.deep.equal([null, null, null, null, null]);
    expect(readTraceLine(JSON.stringify({ ...entry(1, 'garbage'), exchange: null }))?.exchange).to.equal('-');
  });

  it('text and mermaid let no control character and no sign of mermaid through', () => {
    const nasty = entry(1, 'type: a;b\u001b[2J ~ status: 200 ~ x: #\u0007', { from: 'evil\n/1' });
    expect(renderTrace([nasty], 'text', PLAIN_STYLE).match(/[\u0000-\u0009\u000b-\u001f]/)).to.equal(null);
    const mermaid = renderTrace([nasty], 'mermaid', PLAIN_STYLE);
    expect(mermaid.split('\n')).to.have.length(5);
    expect(mermaid).to.not.match(/;|#/);
  });
});

describe('a cluster’s plan', () => {
  const choices = {
    subnet: '127.0.7',
    nodes: 2,
    isShared: false,
    stateDir: '/s',
    graphFile: '/g.yaml',
    repositoryFile: '/r.yaml',
    distDir: '/d',
    publicPorts: [8080],
    isStrict: false,
    timerScale: 1,
    timerPreset: 'lab' as const,
  };
  const join = (...parts: string[]): string => parts.join('/');

  it('Manager at .1, node n at .10 + n, a folder a node', () => {
    const plan = planCluster(choices, join);
    expect(plan.manager.args.join(' ')).to.equal('--graph /g.yaml --address 127.0.7.1 --state-dir /s');
    expect(plan.supervisor.args.join(' ')).to.equal(
      `--state-dir /s --operator 127.0.7.1:55570 --manager /d/manager.js -- ${plan.manager.args.join(' ')}`,
    );
    expect(plan.agents[1]?.args.join(' ')).to.equal(
      '--address 127.0.7.12 --manager 127.0.7.1:55555 --port 55556 --repository /r.yaml --state-dir /s/nodes/2',
    );
    expect(plan.ports.map(({ address, port }) => `${address}:${port}`)).to.deep.equal([
      '127.0.7.1:55555',
      '127.0.7.1:55570',
      '127.0.7.1:55557',
      '127.0.7.11:55556',
      '127.0.7.12:55556',
      '127.0.7.11:8080',
      '127.0.7.12:8080',
    ]);
  });

  it('R16 nodes that share an address differ by port, and the public port is wanted once', () => {
    const plan = planCluster({ ...choices, isShared: true }, join);
    expect(plan.ports.map(({ address, port }) => `${address}:${port}`)).to.deep.equal([
      '127.0.0.1:55555',
      '127.0.0.1:55570',
      '127.0.0.1:55557',
      '127.0.0.1:55560',
      '127.0.0.1:55561',
      '127.0.0.1:8080',
    ]);
    for (const { args } of [plan.manager, ...plan.agents]) expect(args).to.include('--shared-address');
  });

  it('the three next commands carry flags only where they must', () => {
    const cluster = {
      cnapp: 'social-media',
      subnet: '127.0.0',
      stateDir: '.ssmmp',
      isDefault: true,
      isSocialMedia: true,
      isDetached: false,
      nodes: [{ node: 1, agent_network_address: '127.0.0.11', status: 'registered' }],
      gateways: [{ address: '127.0.0.11', port: 8080, name: null }],
      operator: '127.0.0.1:55570',
      startedMs: 1234,
    };
    expect(servedText(cluster, PLAIN_STYLE)).to.equal(`ready: social-media is served, after 1.2 s

  node      1  127.0.0.11       registered
  gateway      127.0.0.11:8080  users connect here
  operator     127.0.0.1:55570  state in .ssmmp

Next, in another terminal:
  npx cnapp register alice
  npx cnapp login alice
  npx cnapp send-post "Hello"

Ctrl-C stops everything.
`);
    const moved = servedText({ ...cluster, isDefault: false, subnet: '127.0.7', stateDir: 'D' }, PLAIN_STYLE);
    expect(moved).to.include('npx cnapp register alice --gateway 127.0.0.11:8080\n');
    const odd = servedText({ ...cluster, isDefault: false, isDetached: true, stateDir: "/my lab's" }, PLAIN_STYLE);
    expect(odd).to.include(`npx ssmmp down --subnet 127.0.0 --state-dir '/my lab'\\''s'  stops everything.`);
  });

  it('R46 waits 0, 0.2 … 10 s before a restart; a program that ran long starts afresh', () => {
    expect([1, 2, 3, 4, 7, 8, 100].map(restartWaitMs)).to.deep.equal([0, 200, 400, 800, 6400, 10_000, 10_000]);
    expect(deathsAfter(5, 100)).to.equal(6);
    expect(deathsAfter(5, STEADY_MS)).to.equal(1);
  });
});

describe('words for people', () => {
  it('times and control characters', () => {
    expect(timeOfDay('2025-01-31T12:00:00.123Z')).to.equal('12:00:00.123');
    expect(timeOfDay('soon')).to.equal('soon');
    expect(visible('a\u001b[31m\u202e\nü😀')).to.equal('a\\u{1b}[31m\\u{202e}\\u{a}ü😀');
  });

  it('log lines are chosen by program, service, instance, node', () => {
    const line = readLogLine('{"level":40,"time":0,"msg":"m","node":"x","k":[1]}', 'post/5', '2', () => 'T');
    expect(line).to.deep.include({ level: 'warn', time: 'T', message: 'm', details: { k: [1] } });
    expect(['post', 'post/5', '5', 'node/2'].every((word) => isNamedBy(line, word))).to.equal(true);
    expect(['pos', 'post/6', '2', 'node/3', 'agent'].some((word) => isNamedBy(line, word))).to.equal(false);
    expect(isNamedBy(readLogLine('x', 'agent 2', '2', String), 'agent')).to.equal(true);
  });

  it('events -o wide begins with the number of the event', () => {
    const event = { seq: 57, time: '2026-11-21T16:25:02.924Z', kind: 'instance', text: 'post/8 on' };
    expect(eventText(event, PLAIN_STYLE)).to.equal('16:25:02.924  instance              post/8 on');
    expect(eventText(event, PLAIN_STYLE, true)).to.equal('   57  16:25:02.924  instance              post/8 on');
  });

  it('doctor knows the Node that package.json asks for', async () => {
    const { NODE_OLDEST: inScripts } = (await import(
      new URL('../../../scripts/node-version.mjs', import.meta.url).href
    )) as { NODE_OLDEST: number[] };
    expect([...NODE_OLDEST]).to.deep.equal(inScripts);
    expect(['20.19.0', '22.1.0', '20.18.9', '18.99.0'].map((version) => nodeFinding(version).status)).to.deep.equal([
      'ok',
      'ok',
      'problem',
      'problem',
    ]);
  });
});
