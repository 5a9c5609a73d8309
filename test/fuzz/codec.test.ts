/** Fuzzing the codec: whatever comes, a message or a protocol error comes out, and what was written is read. */
import { expect } from 'chai';
import fc from 'fast-check';
import { decode, decodeByName, encode } from '../../ssmmp/core/codec.ts';
import { LineFramer } from '../../ssmmp/core/framing.ts';
import { anyMessage, nearlyLine } from '../unit/ssmmp/arbitraries.ts';

describe('codec, fuzzed', function () {
  this.timeout(60_000);

  it('decode(encode(m)) = m for every message of the catalog', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(decode(encode(message))).to.deep.equal({ ok: true, message });
      }),
      { numRuns: 3000 },
    );
  });

  it('decode never throws, and a problem is a sentence', () => {
    const lines = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: 'binary' }), nearlyLine(encode));
    fc.assert(
      fc.property(lines, (line) => {
        const decoded = decode(line);
        if (!decoded.ok)
          expect(decoded.problem)
            .to.match(/^[\x20-\x7e]+$/)
            .and.have.length.below(400);
        else expect(decode(encode(decoded.message))).to.deep.equal(decoded);
      }),
      { numRuns: 5000 },
    );
  });

  it('the fast way reads what reading by name reads, and nothing else', () => {
    const whole = anyMessage.map((message) => encode(message));
    const tail = fc.constantFrom(
      '',
      ' ~ ',
      ' ~',
      '\r',
      ' ~ x_load: 1',
      ' ~ x_load: 1 ~ x_load: 2',
      ' ~ status: 200',
      ' ~ y: 1',
      ' ~ x_exit: a: b',
      ' ~ x_exit:',
      ' ~ x_exit:  a',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.tuple(whole, tail).map((parts) => parts.join('')),
          nearlyLine(encode),
        ),
        (line) => {
          expect(decode(line)).to.deep.equal(decodeByName(line));
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('framing and codec read the same whole and byte by byte', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            anyMessage.map((m) => encode(m)),
            nearlyLine(encode),
          ),
          { maxLength: 5 },
        ),
        (lines) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'utf8').toString('latin1');
          const whole = new LineFramer(65536).push(bytes).lines;
          const framer = new LineFramer(65536);
          const single = [...bytes].flatMap((byte) => framer.push(byte).lines);
          expect(single).to.deep.equal(whole);
          expect(single.map((line) => decode(line))).to.deep.equal(whole.map((line) => decode(line)));
        },
      ),
      { numRuns: 150 },
    );
  });
});
