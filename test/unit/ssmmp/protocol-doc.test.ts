/** docs/protocol.md is printed from the catalog; this fails when it is out of date. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { protocolDoc } from '../../../scripts/protocol-doc.ts';

describe('docs/protocol.md', () => {
  it('is what `npm run docs` prints', () => {
    expect(readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8')).to.equal(protocolDoc());
  });
});
