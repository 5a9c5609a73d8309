/** Who has a port: a cluster of ours is named by its state, with the command that ends it. */
import { expect } from 'chai';
import { ownerText } from '../../../operator/shell/port-check.ts';

describe('ssmmp: who has a port', () => {
  it('a Manager of ours is a cluster, which `ssmmp down` ends', () => {
    const words = [
      '/usr/bin/node',
      '/x/dist/manager.js',
      '--address',
      '127.0.0.1',
      '--state-dir',
      '/home/ada/.ssmmp',
      '',
    ];
    expect(ownerText('7', words)).to.deep.equal({
      who: 'another cluster, whose state is in /home/ada/.ssmmp (pid 7)',
      endIt: 'end it with `npx ssmmp down --state-dir /home/ada/.ssmmp`',
    });
    expect(ownerText('7', ['node', '/x/manager.js', '--state-dir', "/a'b"]).endIt).to.contain(`--state-dir '/a'\\''b'`);
  });

  it('anybody else is a pid and the beginning of a command line', () => {
    expect(ownerText('7', ['node', 'server.js', '--state-dir', 'x', ''])).to.deep.equal({
      who: 'pid 7 (node server.js --state-dir x)',
      endIt: 'end it',
    });
    expect(ownerText('7', ['node', 'x'.repeat(100)]).who).to.equal(`pid 7 (node ${'x'.repeat(55)}…)`);
  });
});
