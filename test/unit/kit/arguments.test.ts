/** The five arguments of an instance. */
import { expect } from 'chai';
import { readArguments } from '../../../services/kit/core/arguments.ts';
import { isPublicPort } from '../../../services/kit/core/ports.ts';

const GOOD = ['post', '7', '127.0.49.11', 'S1, 54001 & S2, 54002', 'P1, T1, B & P2, T2, C'];

function read(...changes: [index: number, value: string][]): unknown {
  const args = [...GOOD];
  for (const [index, value] of changes) args[index] = value;
  return readArguments(args, 1);
}

describe('kit: the five arguments', () => {
  it('reads them, in the order of the specification', () => {
    expect(read()).to.deep.equal({
      serviceName: 'post',
      instanceId: 7,
      address: '127.0.49.11',
      sockets: [
        { socket: 'S1', port: 54001 },
        { socket: 'S2', port: 54002 },
      ],
      plugs: [
        { plug: 'P1', socket: 'T1', service: 'B' },
        { plug: 'P2', socket: 'T2', service: 'C' },
      ],
      timerScale: 1,
    });
    expect(read([3, ''], [4, ''])).to.deep.include({ sockets: [], plugs: [] });
  });

  it('R15 takes addresses in canonical form', () => {
    expect(read([2, 'FD55:0:0::B'])).to.include({ address: 'fd55::b' });
    expect(read([2, '::ffff:127.0.49.11'])).to.include({ address: '127.0.49.11' });
    expect(read([2, 'localhost'])).to.match(/service_instance_network_address.*'localhost'/);
  });

  it('says which argument is wrong and how it should look', () => {
    expect(readArguments([], 1)).to.match(/expected 5 arguments .*got 0/);
    expect(readArguments([...GOOD, 'x'], 1)).to.match(/got 6/);
    expect(read([0, 'a b'])).to.match(/^service_name: /);
    expect(read([1, '0'])).to.match(/^service_instance_id: .*got '0'/);
    expect(read([3, 'S1 54001'])).to.match(/^socket_configuration: expected 'S1, 54001 & S2, 54002'/);
    expect(read([4, 'P1, T1'])).to.match(/^plug_configuration: /);
    expect(read([3, 'S, 54001 & S, 54002'])).to.match(/'S' stands twice/);
    expect(read([4, 'P, T, B & P, T2, C'])).to.match(/'P' stands twice/);
    expect(read([2, '\x1b[31m'])).to.match(/got '\?\[31m'$/);
  });

  it('R23 a public port lies below the plugs’ source ports; those of sessions above', () => {
    expect([80, 8080, 19999].map(isPublicPort)).to.deep.equal([true, true, true]);
    expect([20000, 41000, 54000, 55552].map(isPublicPort)).to.deep.equal([false, false, false, false]);
  });
});
