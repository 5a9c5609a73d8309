/** The codec, ruling by ruling. */
import { expect } from 'chai';
import { MESSAGE_TYPES, rowOf, type Message } from '../../../ssmmp/core/catalog.ts';
import { decode, encode, UnencodableError } from '../../../ssmmp/core/codec.ts';
import { readPlugs, readSockets, writePlugs, writeSockets } from '../../../ssmmp/core/contents.ts';
import { refusal } from '../../../ssmmp/core/refusal.ts';
import { LINE_SPELLINGS, SUB_TYPE_SPELLINGS, TYPE_SPELLINGS } from '../../../ssmmp/core/spellings.ts';

const REGISTRATION =
  'type: initiation_request ~ message_id: 7 ~ agent_network_address: 127.0.0.11 ~ service_repository: (a, b)';

function read(line: string): Message {
  const decoded = decode(line);
  if (!decoded.ok) throw new Error(decoded.problem);
  return decoded.message;
}

function problem(line: string): string {
  const decoded = decode(line);
  return decoded.ok ? 'readable' : decoded.problem;
}

describe('codec', () => {
  it('R01 writes one line: lines joined by " ~ ", in the order of the specification', () => {
    const message: Message = {
      type: 'session_response',
      message_id: 1000,
      sub_type: 'Manager_to_agent',
      source_service_name: 'post',
      source_service_instance_id: 5,
      dest_service_name: 'posts-db',
      dest_service_instance_id: 2,
      dest_socket_name: 'posts-socket',
      dest_service_instance_network_address: 'fd55::b',
      dest_socket_port: 54001,
      status: 200,
    };
    expect(encode(message)).to.equal(
      'type: session_response ~ message_id: 1000 ~ sub_type: Manager_to_agent ~ source_service_name: post ~ ' +
        'source_service_instance_id: 5 ~ dest_service_name: posts-db ~ dest_service_instance_id: 2 ~ ' +
        'dest_socket_name: posts-socket ~ dest_service_instance_network_address: fd55::b ~ dest_socket_port: 54001 ~ status: 200',
    );
    expect(read(encode(message))).to.deep.equal(message);
  });

  it('R02 reads a trailing " ~ " and stray spaces, and never writes them', () => {
    const stray =
      ' type :  initiation_request  ~  message_id: 7 ~ agent_network_address:127.0.0.11 ~ service_repository: (a, b) ~ ';
    expect(read(stray)).to.deep.equal(read(REGISTRATION));
    expect(read(`${REGISTRATION} ~`)).to.deep.equal(read(REGISTRATION));
    expect(encode(read(stray))).to.equal(REGISTRATION);
  });

  it('R03 splits at the first ": " and refuses what the wire cannot hold', () => {
    expect(read(`${REGISTRATION} ~ x_exit: a: b`).x).to.deep.equal({ x_exit: 'a: b' });
    expect(problem(REGISTRATION.replace('(a, b)', '(a~b)'))).to.match(/'~' inside line/);
    expect(problem(`${REGISTRATION} ~ message_id: 8`)).to.match(/'message_id' stands twice/);
    expect(problem(`${REGISTRATION}\u0007`)).to.match(/control character/);
    expect(problem(REGISTRATION.replace(': 7', ': 9007199254740992'))).to.match(/2\^53-1/);
    expect(read(REGISTRATION.replace(': 7', ': 9007199254740991')).message_id).to.equal(2 ** 53 - 1);
    expect(problem(REGISTRATION.replace(': 7', ': 0'))).to.match(/integer/);
    for (const x_exit of ['a~b', 'a ~ b', 'a\nb', 'a\rb', 'a\0b', 'ü'])
      expect(() => encode({ ...read(REGISTRATION), x: { x_exit } }), JSON.stringify(x_exit)).to.throw(UnencodableError);
  });

  it('R03 reads "name:" alone as an empty contents', () => {
    expect(read(REGISTRATION.replace(': (a, b)', ':'))).to.deep.include({ service_repository: [] });
    expect(read(REGISTRATION.replace(' (a, b)', ''))).to.deep.include({ service_repository: [] });
  });

  it('R05 reads lists with and without brackets, with "," or ";", and an empty list', () => {
    for (const list of ['(a, b)', 'a, b', '(a;b)', 'a; b', '( a ,b )'])
      expect(read(REGISTRATION.replace('(a, b)', list)), list).to.deep.equal(read(REGISTRATION));
    expect(read(REGISTRATION.replace('(a, b)', '()'))).to.deep.include({ service_repository: [] });
  });

  it('R04 R06 keeps a list whole and refuses a bad name', () => {
    expect(problem(REGISTRATION.replace('(a, b)', '(a, b c)'))).to.match(/no list of names/);
    expect(problem(REGISTRATION.replace('(a, b)', '(a, -b)'))).to.match(/no list of names/);
    expect(problem(REGISTRATION.replace('(a, b)', `(${'a'.repeat(65)})`))).to.match(/no list of names/);
    expect(read(REGISTRATION.replace('(a, b)', `(${'a'.repeat(64)})`))).to.have.property('service_repository');
  });

  it('R07 a message over 64 KiB or 64 lines is unreadable', () => {
    expect(problem(`${REGISTRATION} ~ x_exit: ${'a'.repeat(65536)}`)).to.match(/R07/);
    const lines = Array.from({ length: 60 }, (_, n) => ` ~ x_${n}: 1`).join('');
    expect(problem(REGISTRATION + lines)).to.equal('readable');
    expect(problem(`${REGISTRATION + lines} ~ x_more: 1`)).to.match(/65 lines; the most is 64/);
    expect(() => encode({ ...read(REGISTRATION), x: { x_exit: 'a'.repeat(65536) } })).to.throw(UnencodableError);
  });

  it('R08 a byte above 0x7E cannot be read', () => {
    expect(problem(`${REGISTRATION} ~ x_exit: ü`)).to.match(/7-bit/);
    expect(problem(`${REGISTRATION} ~ x_exit: \x7f`)).to.match(/7-bit/);
  });

  it('R09 R47 unknown lines are ignored, x_ lines are kept, a strict sender writes none', () => {
    const message = read(`${REGISTRATION} ~ x_version: 1.1 ~ x_unheard: of ~ colour: red`);
    expect(message.x).to.deep.equal({ x_version: '1.1' });
    expect(encode(message, true)).to.equal(REGISTRATION);
    expect(encode(message)).to.equal(`${REGISTRATION} ~ x_version: 1.1`);
  });

  it('reads by name, never by position', () => {
    const turned =
      'service_repository: (a, b) ~ agent_network_address: 127.0.0.11 ~ message_id: 7 ~ type: initiation_request';
    expect(read(turned)).to.deep.equal(read(REGISTRATION));
  });

  it('R37 R40 fields that may be empty are null, and empty on the wire', () => {
    const line =
      'type: session_response ~ message_id: 1 ~ sub_type: agent_to_service ~ source_service_name: a ~ source_service_instance_id: 1 ~ ' +
      'dest_service_name: b ~ dest_service_instance_id:  ~ dest_socket_name: s ~ dest_service_instance_network_address:  ~ dest_socket_port:  ~ status: 503';
    expect(read(line)).to.deep.include({ dest_service_instance_id: null, dest_socket_port: null, status: 503 });
    expect(encode(read(line))).to.equal(line);
  });

  it('R41 "-" stands for a plug that is not known, and nowhere else', () => {
    const info = (plug: string, service: string): string =>
      `type: dest_service_session_close_info ~ message_id: 9 ~ sub_type: dest_service_to_agent ~ source_service_instance_network_address: 127.0.0.11 ~ source_plug_name: ${plug} ~ source_plug_port: 20000 ~ dest_service_name: ${service} ~ dest_service_instance_network_address: 127.0.0.12 ~ dest_service_instance_id: 4 ~ dest_socket_name: S ~ dest_socket_port: 54000 ~ dest_socket_new_port: 54000 ~ status: 111`;
    expect(read(info('-', 'b'))).to.deep.include({ source_plug_name: '-' });
    expect(problem(info('p', '-'))).to.match(/'dest_service_name: -' is no name/);
  });

  it('R15 addresses come out canonical; names, scope ids and short forms are refused', () => {
    const withAddress = (address: string): string => REGISTRATION.replace('127.0.0.11', address);
    expect(read(withAddress('FD55:0:0::0B'))).to.deep.include({ agent_network_address: 'fd55::b' });
    expect(read(withAddress('::ffff:127.0.0.11'))).to.deep.include({ agent_network_address: '127.0.0.11' });
    for (const bad of [
      'localhost',
      'fe80::1%eth0',
      '127.1',
      '0127.0.0.1',
      '256.0.0.1',
      '1100',
      'beef',
      ':::',
      '1::2::3',
      '',
    ])
      expect(problem(withAddress(bad)), bad).to.match(/no IPv4 or IPv6 literal/);
  });

  it('a missing line, a wrong type, a wrong hop are told apart', () => {
    expect(problem('type: initiation_request ~ message_id: 7 ~ agent_network_address: 127.0.0.11')).to.equal(
      "initiation_request needs a line 'service_repository'",
    );
    expect(problem('type: initiation_demand ~ message_id: 7')).to.match(/no message type/);
    expect(problem('type: session_ack ~ message_id: 7 ~ sub_type: Manager_to_agent')).to.match(/no hop of session_ack/);
    expect(problem('type: session_ack ~ message_id: 7')).to.match(/no hop of session_ack/);
    expect(problem('hello')).to.match(/'hello' is no line/);
    expect(problem('')).to.match(/no line/);
  });

  it('socket and plug configurations survive, also as program arguments', () => {
    const sockets = [
      { socket: 'S1', port: 54001 },
      { socket: 'S2', port: 54002 },
    ];
    const plugs = [
      { plug: 'P1', socket: 'S1', service: 'B' },
      { plug: 'P2', socket: 'S2', service: 'C' },
    ];
    expect(writeSockets(sockets)).to.equal('S1, 54001 & S2, 54002');
    expect(writePlugs(plugs)).to.equal('P1, S1, B & P2, S2, C');
    expect(readSockets('S1, 54001 & S2, 54002')).to.deep.equal(sockets);
    expect(readPlugs('P1, S1, B & P2, S2, C')).to.deep.equal(plugs);
    expect([
      readSockets(''),
      readPlugs(' '),
      readSockets('S1'),
      readPlugs('P, S'),
      readSockets('S1, 99999'),
    ]).to.deep.equal([[], [], null, null, null]);
  });

  describe('R24 spellings of the listing', () => {
    for (const [type, lines] of Object.entries(LINE_SPELLINGS))
      for (const [listed, name] of Object.entries(lines))
        it(`${type}: ${listed} is read as ${name}`, () => {
          const line =
            'type: session_ack ~ message_id: 1 ~ sub_type: service_to_agent ~ source_service_name: a ~ source_service_instance_id: 3 ~ source_plug_port: 20000 ~ dest_socket_new_port: 54000 ~ status: 200';
          expect(read(line.replace(`${name}:`, `${listed}:`))).to.deep.equal(read(line));
        });
    for (const [listed, names] of Object.entries(SUB_TYPE_SPELLINGS))
      for (const name of names)
        it(`sub_type ${listed} is read as ${name}`, () => {
          const type =
            MESSAGE_TYPES.find(
              (candidate) =>
                rowOf(candidate).hops.some((hop) => hop.subType === name) && rowOf(candidate).fields.length === 1,
            ) ?? MESSAGE_TYPES.find((candidate) => rowOf(candidate).hops.some((hop) => hop.subType === name));
          const decoded = decode(`type: ${type} ~ message_id: 5 ~ sub_type: ${listed} ~ status: 200`);
          if (decoded.ok) expect(decoded.message.sub_type).to.equal(name);
          else expect(decoded.problem).to.match(/needs a line/);
        });
    for (const [listed, { instance, agent }] of Object.entries(TYPE_SPELLINGS))
      it(`type ${listed} is read as ${agent}, or with service_instance_id as ${instance}`, () => {
        const status = listed.endsWith('response') ? ' ~ status: 200' : '';
        expect(read(`type: ${listed} ~ message_id: 5 ~ agent_network_address: 127.0.0.11${status}`).type).to.equal(
          agent,
        );
        const hop = rowOf(instance).hops[0]?.subType;
        expect(
          read(
            `type: ${listed} ~ message_id: 5 ~ sub_type: ${hop} ~ service_instance_id: 3 ~ service_instance_network_address: 127.0.0.11${status}`,
          ).type,
        ).to.equal(instance);
      });
  });

  describe('the answer to what cannot be read', () => {
    it('is the matching response with 400 and what could be read', () => {
      const decoded = decode(
        'type: session_request ~ message_id: 1001 ~ sub_type: agent_to_Manager ~ source_service_name: a ~ dest_socket_name: ~~',
      );
      if (decoded.ok) throw new Error('readable');
      const answer = refusal(decoded.type, decoded.messageId, decoded.lines, 400, 'Manager', 'agent');
      expect(answer).to.deep.include({
        type: 'session_response',
        message_id: 1001,
        sub_type: 'Manager_to_agent',
        source_service_name: 'a',
        dest_socket_port: null,
        status: 400,
      });
      expect(decode(encode(answer as Message)).ok).to.equal(true);
    });
    it('is nothing where there is no response, no id, or the sender may not send it', () => {
      expect(refusal('session_ack', 5, new Map(), 400, 'Manager', 'agent')).to.equal(null);
      expect(refusal('session_request', null, new Map(), 400, 'Manager', 'agent')).to.equal(null);
      expect(refusal(null, 5, new Map(), 400, 'Manager', 'agent')).to.equal(null);
      expect(refusal('session_request', 5, new Map(), 400, 'instance', 'agent')).to.equal(null);
    });
  });
});
