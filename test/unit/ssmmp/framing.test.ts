/** Framing: bytes to lines, however they are cut. */
import { expect } from 'chai';
import fc from 'fast-check';
import { LineFramer } from '../../../ssmmp/core/framing.ts';

describe('framing', () => {
  it('R01 ends a message at LF and reads CRLF too', () => {
    expect(new LineFramer(100).push('a\nb\r\n\nc')).to.deep.equal({ lines: ['a', 'b', ''], oversized: false });
  });

  it('holds back what has no LF yet', () => {
    const framer = new LineFramer(100);
    expect(framer.push('ab').lines).to.deep.equal([]);
    expect(framer.pendingBytes).to.equal(2);
    expect(framer.push('c\nd').lines).to.deep.equal(['abc']);
    expect(framer.pendingBytes).to.equal(1);
  });

  it('R07 a line over the limit ends it, whether its LF comes or not, and the lines before it still count', () => {
    expect(new LineFramer(4).push('abcd\nabcde\nx\n')).to.deep.equal({ lines: ['abcd'], oversized: true });
    const framer = new LineFramer(4);
    expect(framer.push('abcd').oversized).to.equal(false);
    expect(framer.push('ef').oversized).to.equal(true);
    expect(framer.push('ok\n')).to.deep.equal({ lines: [], oversized: true });
  });

  it('looks for nothing behind a line at which it is told to stop', () => {
    const framer = new LineFramer(4);
    const got: string[] = [];
    const take = (line: string): boolean => got.push(line) < 3;
    expect(framer.feed('1\n2\n3\n4\nfar too long\n', take)).to.equal(false);
    expect(framer.feed('5\n', take)).to.equal(false);
    expect(got).to.deep.equal(['1', '2', '3']);
    expect(framer.pendingBytes).to.equal(0);
  });

  it('a line of the very limit passes, with CRLF too', () => {
    expect(new LineFramer(4).push('abcd\r\n')).to.deep.equal({ lines: ['abcd'], oversized: false });
  });

  it('yields the same lines however the bytes are cut', () => {
    const lines = fc.array(fc.stringMatching(/^[ -~]{0,30}$/), { maxLength: 20 });
    fc.assert(
      fc.property(lines, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (written, cuts) => {
        const bytes = written.map((line) => `${line}\n`).join('');
        const framer = new LineFramer(1000);
        const got: string[] = [];
        for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
          const length = cuts[cut % cuts.length] as number;
          got.push(...framer.push(bytes.slice(at, at + length)).lines);
          at += length;
        }
        expect(got).to.deep.equal(written);
        expect(framer.pendingBytes).to.equal(0);
      }),
    );
  });
});
