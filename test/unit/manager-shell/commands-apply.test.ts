/** Reading the body of `apply`: the shell knows files, the core graphs. */
import { expect } from 'chai';
import { readCommand } from '../../../manager/shell/commands.ts';
import { BODY_BYTES_MAX } from '../../../manager/shell/http-replies.ts';
import { FILE_CHARACTERS_MAX } from '../../../ssmmp/core/located-yaml.ts';
import { SMALL } from '../manager/harness.ts';

function read(body: Record<string, unknown>): ReturnType<typeof readCommand> {
  return readCommand(JSON.stringify({ command: 'apply', ...body }));
}

describe('operator port: the body of apply', () => {
  it('becomes a graph, named by its file where it names no CNApp', () => {
    const result = read({ file: 'dir/net.yaml', text: SMALL.replace('cnapp: small\n', ''), dry_run: true });
    if (!('command' in result) || result.command.command !== 'apply') throw new Error(JSON.stringify(result));
    expect(result.command).to.include({ file: 'dir/net.yaml', dry_run: true });
    expect(result.command.graph.cnapp).to.equal('net');
    expect(result.command.graph.services).to.have.length(4);
  });

  it('with a bad graph is 400 with every problem, by line', () => {
    const text = SMALL.replace('kind: baas', 'kind: bass').replace('[gate, [side-plug', '[gat, [side-plug');
    const result = read({ file: 'net.yaml', text });
    if (!('error' in result)) throw new Error('taken');
    expect(result.error.status).to.equal(400);
    const lines = result.error.message.split('\n');
    expect(lines[0]).to.match(/^net\.yaml:8:17 kind of service 'store' is 'bass'/);
    expect(lines[1]).to.match(/^net\.yaml:11:5 edge names the service 'gat'/);
    expect(result.error.data['problems']).to.have.length(lines.length);
  });

  it('without file or text, or with more, is 400', () => {
    for (const body of [{ file: 'a' }, { text: SMALL }, { file: 1, text: SMALL }, { file: 'a', text: SMALL, now: 1 }]) {
      const result = read(body);
      expect('error' in result && result.error.status, JSON.stringify(body)).to.equal(400);
    }
  });

  it('the longest graph file fits into a body, its line ends and quotes escaped', () => {
    const text = '# "quoted"\n'.repeat(Math.floor(FILE_CHARACTERS_MAX / 11));
    const body = JSON.stringify({ command: 'apply', file: 'net.yaml', text, dry_run: false });
    expect(Buffer.byteLength(body)).to.be.below(BODY_BYTES_MAX);
  });
});
