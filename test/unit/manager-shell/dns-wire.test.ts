/** DNS packets in and out, without a socket: EDNS, truncation, and everything that is no proper query. */
import { expect } from 'chai';
import { decode, encode, type DecodedPacket, type OptAnswer } from 'dns-packet';
import { answerQuestion, newRotation, type DnsZone } from '../../../manager/core/dns.ts';
import { answerPacket, EDNS_UDP_BYTES_MAX, QUERY_BYTES_MAX, type Resolve } from '../../../manager/shell/dns-wire.ts';
import { codeOf, edns, queryBytes } from './dns-client.ts';

const ZONE: DnsZone = {
  alias: 'gateway.tiny.test',
  domain: 'tiny.test',
  serial: 1,
  hosts: [{ name: 'gate-1.tiny.test', type: 'A', address: '127.0.51.11' }],
};
/** An alias whose answer is larger than 512 bytes. */
const label = 'g'.repeat(60);
const domain = `${label}.${label}.${label}`;
const LONG: DnsZone = {
  alias: `gateway.${domain}`,
  domain,
  serial: 1,
  hosts: [{ name: `gate-1.${domain}`, type: 'A', address: '127.0.51.11' }],
};

const resolveIn =
  (zone: DnsZone): Resolve =>
  (name, type) =>
    answerQuestion(zone, name, type, newRotation());

function ask(query: Buffer, transport: 'udp' | 'tcp' = 'udp', zone = ZONE): DecodedPacket {
  const answer = answerPacket(query, transport, resolveIn(zone));
  if (answer === null) throw new Error('no answer');
  return decode(answer);
}

describe('DNS packets', () => {
  it('R23 the alias: authoritative, not recursive, a CNAME and an A record for 1 s, the question as it was', () => {
    const query = queryBytes('GateWay.TINY.test', 'A');
    const answer = ask(query);
    expect(answer).to.include({
      id: 0x1234,
      flag_qr: true,
      flag_aa: true,
      flag_tc: false,
      flag_rd: true,
      flag_ra: false,
    });
    expect(codeOf(answer)).to.equal(0);
    expect(answer.answers).to.deep.equal([
      { name: 'GateWay.TINY.test', type: 'CNAME', ttl: 1, class: 'IN', flush: false, data: 'gate-1.tiny.test' },
      { name: 'gate-1.tiny.test', type: 'A', ttl: 1, class: 'IN', flush: false, data: '127.0.51.11' },
    ]);
    const bytes = answerPacket(query, 'udp', resolveIn(ZONE)) as Buffer;
    expect(bytes.subarray(12, query.length).equals(query.subarray(12))).to.equal(true);
  });

  it('what does not exist: NXDOMAIN, authoritative, with a SOA of 1 s', () => {
    const answer = ask(queryBytes('nosuch.tiny.test', 'A'));
    expect(codeOf(answer)).to.equal(3);
    expect(answer.flag_aa).to.equal(true);
    expect(answer.authorities?.[0]).to.include({ name: 'tiny.test', type: 'SOA', ttl: 1 });
    expect(codeOf(ask(queryBytes('example.org', 'A')))).to.equal(3);
  });

  it('types it has never heard of are NODATA; the root can be asked for', () => {
    const unknown = ask(queryBytes('gate-1.tiny.test', 'UNKNOWN_65'));
    expect([codeOf(unknown), unknown.answers?.length, unknown.authorities?.length]).to.deep.equal([0, 0, 1]);
    expect(codeOf(ask(queryBytes('.', 'NS')))).to.equal(3);
  });

  it('a label with a dot or other bytes in it is another name, and goes back as it came', () => {
    const query = queryBytes('gate-1_tiny.test', 'A');
    query[12 + 7] = 0x2e; // gate-1.tiny, but one label
    expect(codeOf(ask(query))).to.equal(3);
    query[12 + 7] = 0xff;
    const bytes = answerPacket(query, 'udp', resolveIn(ZONE)) as Buffer;
    expect(bytes.subarray(12, query.length).equals(query.subarray(12))).to.equal(true);
  });

  it('EDNS is answered with EDNS, an unknown version with BADVERS, two of them with FORMERR', () => {
    const optionOf = (packet: DecodedPacket): OptAnswer | undefined => packet.additionals?.[0] as OptAnswer | undefined;
    const known = ask(queryBytes('gate-1.tiny.test', 'A', [edns(4096)]));
    expect(optionOf(known)).to.include({ type: 'OPT', udpPayloadSize: EDNS_UDP_BYTES_MAX, extendedRcode: 0 });
    expect(known.answers).to.have.length(1);
    expect(ask(queryBytes('gate-1.tiny.test', 'A')).additionals).to.have.length(0);
    const newer = ask(queryBytes('gate-1.tiny.test', 'A', [edns(4096, 1)]));
    expect(optionOf(newer)).to.include({ extendedRcode: 1, ednsVersion: 0 });
    expect([codeOf(newer), newer.answers?.length]).to.deep.equal([0, 0]);
    expect(codeOf(ask(queryBytes('gate-1.tiny.test', 'A', [edns(4096), edns(4096)])))).to.equal(1);
  });

  it('what does not fit into a datagram is cut off whole, and is there over TCP and with EDNS', () => {
    const name = LONG.alias;
    const cut = ask(queryBytes(name, 'A'), 'udp', LONG);
    expect([cut.flag_tc, cut.flag_aa, cut.questions?.length, cut.answers?.length]).to.deep.equal([true, true, 1, 0]);
    const small = answerPacket(queryBytes(name, 'A', [edns(100)]), 'udp', resolveIn(LONG)) as Buffer;
    expect(decode(small).flag_tc).to.equal(true);
    expect(small.length).to.be.at.most(512);
    for (const whole of [
      ask(queryBytes(name, 'A'), 'tcp', LONG),
      ask(queryBytes(name, 'A', [edns(EDNS_UDP_BYTES_MAX)]), 'udp', LONG),
    ])
      expect([whole.flag_tc, whole.answers?.length]).to.deep.equal([false, 2]);
  });

  it('other opcodes: NOTIMP; other classes and zone transfers: REFUSED', () => {
    for (const opcode of [1, 2, 4, 5, 15]) {
      const query = queryBytes('gateway.tiny.test', 'A');
      query.writeUInt16BE(query.readUInt16BE(2) | (opcode << 11), 2);
      const answer = ask(query);
      expect(codeOf(answer), String(opcode)).to.equal(4);
      expect((answer.flags ?? 0) >> 11, String(opcode)).to.equal(opcode);
    }
    const chaos = queryBytes('version.bind', 'TXT');
    chaos.writeUInt16BE(3, chaos.length - 2);
    expect(codeOf(ask(chaos))).to.equal(5);
    for (const type of ['AXFR', 'IXFR']) expect(codeOf(ask(queryBytes('tiny.test', type), 'tcp'))).to.equal(5);
  });

  it('what cannot be read: FORMERR with its id; what has no header or is an answer: silence', () => {
    const good = queryBytes('gateway.tiny.test', 'A');
    const change = (at: number, value: number): Buffer => {
      const bytes = Buffer.from(good);
      bytes.writeUInt16BE(value, at);
      return bytes;
    };
    const pointer = Buffer.concat([good.subarray(0, 12), Buffer.from([0xc0, 0x0c, 0, 1, 0, 1])]);
    const long = Buffer.concat([
      good.subarray(0, 12),
      Buffer.alloc(64 * 5, Buffer.from([63, ...Buffer.alloc(63, 97)])),
      Buffer.alloc(5),
    ]);
    const bad: [string, Buffer][] = [
      ['no question', change(4, 0)],
      ['two questions', change(4, 2)],
      ['an answer', change(6, 1)],
      ['many authorities', change(8, 2)],
      ['many additionals', change(10, 3)],
      ['additionals that are not there', change(10, 1)],
      ['a pointer to itself', pointer],
      ['a name of 320 bytes', long],
      ['a label of 64 bytes', change(12, 0x4061)],
      ['cut off in the name', good.subarray(0, 20)],
      ['cut off in the type', good.subarray(0, good.length - 3)],
      ['too long', Buffer.concat([good, Buffer.alloc(QUERY_BYTES_MAX)])],
    ];
    for (const [what, query] of bad) {
      const answer = ask(query);
      expect(codeOf(answer), what).to.equal(1);
      expect([answer.id, answer.flag_qr, answer.flag_aa], what).to.deep.equal([0x1234, true, false]);
    }
    const silent = (query: Buffer): boolean => answerPacket(query, 'udp', resolveIn(ZONE)) === null;
    expect(silent(Buffer.alloc(0))).to.equal(true);
    expect(silent(good.subarray(0, 11))).to.equal(true);
    expect(silent(encode({ ...decode(good), type: 'response' }))).to.equal(true);
  });
});
