/** Whatever bytes come, the DNS neither throws nor takes long, and what it sends can be read. */
import { expect } from 'chai';
import { decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { answerQuestion, newRotation, type DnsZone } from '../../manager/core/dns.ts';
import { answerPacket } from '../../manager/shell/dns-wire.ts';

const ZONE: DnsZone = {
  alias: 'gateway.fuzz.test',
  domain: 'fuzz.test',
  serial: 1,
  hosts: [
    { name: 'gate-1.fuzz.test', type: 'A', address: '127.0.51.11' },
    { name: 'gate-2.fuzz.test', type: 'AAAA', address: 'fd00::2' },
  ],
};
const RUNS = 3_000;

function check(query: Buffer): void {
  const rotation = newRotation();
  for (const transport of ['udp', 'tcp'] as const) {
    const answer = answerPacket(query, transport, (name, type) => answerQuestion(ZONE, name, type, rotation));
    if (answer === null) {
      expect(query.length < 12 || ((query[2] ?? 0) & 0x80) !== 0).to.equal(true);
      continue;
    }
    const packet = decode(answer);
    expect(decode.bytes).to.equal(answer.length);
    expect([packet.id, packet.flag_qr, packet.flag_ra]).to.deep.equal([query.readUInt16BE(0), true, false]);
    expect((packet.answers ?? []).filter(({ type }) => type === 'CNAME').length).to.be.at.most(1);
    if (transport === 'udp') expect(answer.length).to.be.at.most(1232);
  }
}

describe('fuzz: DNS packets', function () {
  this.timeout(60_000);

  it('any bytes at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => check(Buffer.from(bytes))),
      { numRuns: RUNS },
    );
  });

  it('queries with bytes changed, cut off, or more behind them', () => {
    const name = fc.constantFrom('gateway.fuzz.test', 'gate-1.fuzz.test', 'fuzz.test', '.', 'a.example');
    const option = { udpPayloadSize: 4096, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] };
    const query = fc.record({
      name,
      type: fc.integer({ min: 0, max: 65_535 }),
      hasOptions: fc.boolean(),
      changes: fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 }),
      end: fc.integer({ min: 0, max: 80 }),
      more: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(query, ({ name, type, hasOptions, changes, end, more }) => {
        const whole = encode({
          id: 77,
          questions: [{ name, type: 'A' }],
          additionals: hasOptions ? [{ type: 'OPT', name: '.', ...option }] : [],
        });
        whole.writeUInt16BE(type, whole.length - (hasOptions ? 15 : 4));
        check(whole);
        for (const [at, value] of changes) if (at < whole.length) whole[at] = value;
        check(Buffer.concat([whole.subarray(0, end === 0 ? whole.length : end), more]));
      }),
      { numRuns: RUNS },
    );
  });

  it('names that point and point', () => {
    const bytes = Buffer.alloc(4096);
    Buffer.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 1]).copy(bytes);
    for (let at = 18; at < 4094; at += 2) bytes.writeUInt16BE(0xc000 | (at - 2), at);
    const began = performance.now();
    for (let round = 0; round < 100; round += 1) check(bytes);
    expect(performance.now() - began).to.be.below(2_000);
  });
});
