/** The fast reader reads what services/protocols/line.ts reads, wherever in a chunk the line stands. */
import { expect } from 'chai';
import fc from 'fast-check';
import { formatLine, parseLine } from '../../../services/protocols/line.ts';
import { MessageReader } from '../../../services/kit/shell/message-reader.ts';

const type = fc.constantFrom('a_request', 'a_request', 'send_post_request', 'a', 'Type');
const id = fc.oneof(
  fc.integer({ min: 1, max: 300 }).map(String),
  fc.constantFrom(
    '0',
    '07',
    '',
    '-1',
    '1x',
    '999999999999999',
    '9007199254740991',
    '9007199254740992',
    '99999999999999999',
  ),
);
const rest = fc.constantFrom(
  '',
  '',
  ' ~ Line_1: a',
  ' ~ Line_1: a ~ ',
  ' ~ ',
  '\r',
  ' ~ Line_1: a\r',
  'x',
  ' x',
  ' ~',
  ' ',
);
const line = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(type, id, rest).map(([t, n, r]) => `Type: ${t} ~ Message_id: ${n}${r}`) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 60 }).map((text) => text.replaceAll('\n', ' ')),
  },
);

describe('kit: reading messages in place', () => {
  it('property: any lines in one chunk are read as parseLine reads each', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const chunk = lines.join('\n') + '\n';
        const reader = new MessageReader();
        let from = 0;
        for (const one of lines) {
          const end = chunk.indexOf('\n', from);
          expect(reader.read(chunk, from, end), JSON.stringify(one)).to.deep.equal(parseLine(one));
          from = end + 1;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('reads types that alternate', () => {
    const reader = new MessageReader();
    for (const text of ['x_request', 'x_request', 'y_request', 'x_request']) {
      const one = formatLine(text, 5, ' ~ Line_1: a');
      expect(reader.read(one, 0, one.length)).to.deep.equal({ type: text, id: 5, rest: ' ~ Line_1: a' });
    }
  });
});
