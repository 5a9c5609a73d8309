/** The line format of the CNApp (cnapp.md), row by row and by property. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  decodePart,
  encodePart,
  fieldsOf,
  formatLine,
  isLineError,
  joinParts,
  parseLine,
  responseTypeOf,
  restOf,
  splitParts,
} from '../../../services/protocols/line.ts';

const anyText = fc.string({ unit: 'binary' });
const asciiLine = fc.string({ unit: 'binary-ascii' });
const someName = fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/).filter((name) => name !== 'Type' && name !== 'Message_id');

describe('line: parseLine and formatLine', () => {
  it('reads the example of cnapp.md', () => {
    expect(parseLine('Type: send_post_request ~ Message_id: 30970 ~ Line_1: abc ~ Line_2: Hello')).to.deep.equal({
      type: 'send_post_request',
      id: 30970,
      rest: ' ~ Line_1: abc ~ Line_2: Hello',
    });
  });

  it('reads a message without further lines, CRLF and one trailing separator', () => {
    const bare = { type: 'x_request', id: 7, rest: '' };
    expect(parseLine('Type: x_request ~ Message_id: 7')).to.deep.equal(bare);
    expect(parseLine('Type: x_request ~ Message_id: 7\r')).to.deep.equal(bare);
    expect(parseLine('Type: x_request ~ Message_id: 7 ~ ')).to.deep.equal(bare);
    expect(parseLine('Type: x_request ~ Message_id: 7 ~ \r')).to.deep.equal(bare);
    expect(parseLine('Type: x_request ~ Message_id: 7 ~ Line_1: a ~ ')).to.deep.equal({
      ...bare,
      rest: ' ~ Line_1: a',
    });
  });

  it('refuses what shows no type or no readable id, and says what it could read', () => {
    const rows: [line: string, type: string, id: number][] = [
      ['', '', 0],
      ['hello', '', 0],
      ['Type: ', '', 0],
      ['Type: a_request', 'a_request', 0],
      ['Type: a_request ~ ', 'a_request', 0],
      ['Type: a_request ~ Message_id: ', 'a_request', 0],
      ['Type: a_request ~ Message_id: 0', 'a_request', 0],
      ['Type: a_request ~ Message_id: 07', 'a_request', 0],
      ['Type: a_request ~ Message_id: -7', 'a_request', 0],
      ['Type: a_request ~ Message_id: 7x', 'a_request', 0],
      ['Type: a_request ~ Message_id: 9007199254740992', 'a_request', 0],
      ['Type: a_request ~ Message_id: 99999999999999999999', 'a_request', 0],
      ['Type:  ~ Message_id: 8', '', 8],
      ['Message_id: 8 ~ Line_1: a', '', 8],
      ['Message_id: 8 ~ Type: a_request', 'a_request', 8],
      ['Type: a_request ~ Line_1: a ~ Message_id: 9', 'a_request', 9],
    ];
    for (const [line, type, id] of rows) {
      const parsed = parseLine(line);
      expect(isLineError(parsed), line).to.equal(true);
      expect({ type: parsed.type, id: parsed.id }, line).to.deep.equal({ type, id });
    }
    expect(parseLine('Type: a_request ~ Message_id: 9007199254740991')).to.include({ id: Number.MAX_SAFE_INTEGER });
  });

  it('an error quotes what was sent in short and in 7-bit ASCII', () => {
    const parsed = parseLine('\x1b[31m\u00e9' + 'x'.repeat(100_000));
    expect(isLineError(parsed) && parsed.error).to.match(/^[\x20-\x7e]{1,200}$/);
  });

  it('property: parseLine never throws', () => {
    fc.assert(fc.property(fc.oneof(anyText, asciiLine), (line) => void parseLine(line)));
    fc.assert(fc.property(asciiLine, (tail) => void parseLine(`Type: a ~ Message_id: ${tail}`)));
  });

  it('property: what formatLine and restOf write, parseLine and fieldsOf read', () => {
    const lines = fc.uniqueArray(fc.tuple(someName, anyText), { selector: ([name]) => name });
    fc.assert(
      fc.property(someName, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), lines, (type, id, fields) => {
        const encoded = fields.map(([name, text]) => [name, encodePart(text)] as const);
        const line = formatLine(type, id, restOf(encoded));
        expect(line).to.match(/^[\x20-\x7e]*$/);
        const parsed = parseLine(line);
        if (isLineError(parsed)) throw new Error(parsed.error);
        expect(parsed.type).to.equal(type);
        expect(parsed.id).to.equal(id);
        expect(parsed.rest).to.equal(restOf(encoded));
        const read = fieldsOf(parsed.rest);
        if (typeof read === 'string') throw new Error(read);
        expect([...read]).to.deep.equal(encoded);
      }),
    );
  });
});

describe('line: responseTypeOf', () => {
  it('answers X_request by X_response and everything else by error_response', () => {
    expect(responseTypeOf('login_request')).to.equal('login_response');
    expect(responseTypeOf('no_such_thing_request')).to.equal('no_such_thing_response');
    for (const odd of [
      '',
      '_request',
      'login',
      'login_response',
      'a b_request',
      '\u00e9_request',
      'x'.repeat(70) + '_request',
    ]) {
      expect(responseTypeOf(odd), odd).to.equal('error_response');
    }
  });
});

describe('line: fieldsOf', () => {
  it('reads names and raw contents in their order; contents is all after the first ": "', () => {
    const fields = fieldsOf(' ~ Line_1: a: b, c ~ Line_2: %20x');
    expect([...(fields as Map<string, string>)]).to.deep.equal([
      ['Line_1', 'a: b, c'],
      ['Line_2', '%20x'],
    ]);
  });

  it('reads empty contents with and without the space, in the middle and at the end', () => {
    for (const rest of [' ~ A: ~ B: ', ' ~ A:  ~ B:', ' ~ A: ~ B: ~ ', ' ~ A:  ~ B:  ~ ']) {
      expect([...(fieldsOf(rest) as Map<string, string>)], rest).to.deep.equal([
        ['A', ''],
        ['B', ''],
      ]);
    }
    expect(fieldsOf('')).to.have.property('size', 0);
  });

  it('refuses a line that stands twice, also Type and Message_id', () => {
    expect(fieldsOf(' ~ A: 1 ~ B: 2 ~ A: 1')).to.equal('the line A stands twice');
    expect(fieldsOf(' ~ Type: x')).to.be.a('string');
    expect(fieldsOf(' ~ Message_id: 4')).to.be.a('string');
  });

  it('refuses lines without a name', () => {
    for (const rest of [
      ' ~ x',
      ' ~ : a',
      ' ~ a:b',
      ' ~  ~ A: 1',
      ' ~ A: 1 ~  ~ ',
      ' ~ a b: 1',
      ' ~ ~ A: 1',
      'A: 1',
      ' A: 1',
    ]) {
      expect(fieldsOf(rest), rest).to.be.a('string');
    }
  });

  it('property: never throws', () => {
    fc.assert(fc.property(fc.oneof(anyText, asciiLine), (text) => void fieldsOf(text)));
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(' ~ ', '~', ' ', ':', ': ', 'A', 'B', '%')),
        (p) => void fieldsOf(' ~ ' + p.join('')),
      ),
    );
  });
});

describe('line: percent-encoding', () => {
  it('R08 user text is percent-encoded UTF-8: what must be, and nothing else', () => {
    const rows: [text: string, encoded: string][] = [
      ['', ''],
      ['Hello, world', 'Hello%2C world'],
      ['100% ~ a~b', '100%25 %7E a%7Eb'],
      ['a\tb\nc\u0000\u007f', 'a%09b%0Ac%00%7F'],
      [' a b ', '%20a b%20'],
      ['   ', '%20%20%20'],
      ['\u00e9\u20ac\u{1f600}', '%C3%A9%E2%82%AC%F0%9F%98%80'],
      ['\ud800x', '%EF%BF%BDx'],
      ['!"#$&\'()*+-./0:;<=>?@[\\]^_`{|}', '!"#$&\'()*+-./0:;<=>?@[\\]^_`{|}'],
    ];
    for (const [text, encoded] of rows) expect(encodePart(text), text).to.equal(encoded);
  });

  it('reads any valid percent-encoding', () => {
    expect(decodePart('%48%65%6c%6C%6f')).to.equal('Hello');
    expect(decodePart('a b%2c%7e%20')).to.equal('a b,~ ');
    expect(decodePart('%00')).to.equal('\u0000');
  });

  it('R08 refuses malformed encodings, invalid UTF-8 and characters that must be encoded', () => {
    const malformed = ['%', '%4', '%zz', 'a%', '%C3', '%C3%28', '%80', '%C0%80', '%ED%A0%80', '%F5%80%80%80', '%u0041'];
    const standing = ['a~b', 'a,b', 'a\tb', '\u00e9', '\u007f', ' a', 'a ', ' ', '\u0080', '\r'];
    for (const contents of [...malformed, ...standing]) expect(decodePart(contents), contents).to.equal(null);
  });

  it('property: decode(encode(text)) = text, and the encoded form needs nothing more', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const encoded = encodePart(text);
        expect(decodePart(encoded)).to.equal(text);
        expect(encoded).to.match(/^(?! )(?:[\x20-\x24\x26-\x2b\x2d-\x7d]|%[0-9A-F]{2})*(?<! )$/);
      }),
    );
  });

  it('property: never throws, lone surrogates included', () => {
    const units = fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes));
    fc.assert(fc.property(units, (text) => void expect(decodePart(encodePart(text))).to.be.a('string')));
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('%', 'C3', 'A', '9', '28', ' ', '\u00e9')),
        (p) => void decodePart(p.join('')),
      ),
    );
  });

  it('parts: joined by a bare ", ", each encoded', () => {
    expect(joinParts(['17', 'bob', '2026-01-01T00:00:00.000Z', 'a, b'])).to.equal(
      '17, bob, 2026-01-01T00:00:00.000Z, a%2C b',
    );
    expect(splitParts('a%2C b, c, ')).to.deep.equal(['a, b', 'c', '']);
    expect(splitParts('')).to.deep.equal(['']);
    expect(splitParts('a,b')).to.equal(null);
    expect(splitParts('a,  b')).to.equal(null);
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1 }), (parts) => {
        expect(splitParts(joinParts(parts))).to.deep.equal(parts);
      }),
    );
  });
});
