/** Colours of the operator's command: on a terminal only, and never more than the text that was given. */
import { expect } from 'chai';
import { styleFor } from '../../../operator/shell/output.ts';

const BOLD = '\x1b[1m';
const PLAIN = '\x1b[22m';

describe('the colours of ssmmp', () => {
  const before = { ...process.env };
  afterEach(() => {
    for (const name of ['FORCE_COLOR', 'NO_COLOR']) {
      const value = before[name];
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });

  it('a heading is the text alone, also where a list of titles is mapped', () => {
    Reflect.deleteProperty(process.env, 'NO_COLOR');
    process.env['FORCE_COLOR'] = '1';
    const { heading } = styleFor(process.stdout);
    expect(['LAB', 'TITLE'].map(heading)).to.deep.equal([`${BOLD}LAB${PLAIN}`, `${BOLD}TITLE${PLAIN}`]);
  });

  it('NO_COLOR wins', () => {
    process.env['FORCE_COLOR'] = '1';
    process.env['NO_COLOR'] = '1';
    expect(styleFor(process.stdout).bad('x')).to.equal('x');
  });
});
