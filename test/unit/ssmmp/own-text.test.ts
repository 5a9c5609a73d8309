/** R07 What is kept of a message keeps neither the message nor the chunk it came in. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { decode, decodeByName } from '../../../ssmmp/core/codec.ts';
import { LineFramer } from '../../../ssmmp/core/framing.ts';
import { MESSAGE_BYTES_MAX } from '../../../ssmmp/core/names.ts';
import { ownText, ownValue } from '../../../ssmmp/core/own-text.ts';

describe('text that is kept', function () {
  this.timeout(20_000);
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const PIECES = 400;
  /** A few hundred bytes each; what they were cut from takes 60 KB each. */
  const KEPT_BYTES_MAX = PIECES * 4 * 1024;
  const BALLAST = 'p'.repeat(60_000);

  /** Bytes in memory after keeping what `keep` makes of each of many texts as they come from a socket: flat. */
  function keptBytes(text: (at: number) => string, keep: (text: string) => unknown): number {
    const kept: unknown[] = [];
    gc();
    const before = process.memoryUsage().heapUsed;
    for (let at = 0; at < PIECES; at += 1) kept.push(keep(Buffer.from(text(at)).toString('latin1')));
    gc();
    const grown = process.memoryUsage().heapUsed - before;
    expect(kept).to.have.lengthOf(PIECES);
    return grown;
  }

  const initiation = (at: number): string =>
    `type: initiation_request ~ message_id: ${at + 1} ~ agent_network_address: 127.0.222.${100 + (at % 100)} ~ service_repository: (a-name-of-some-length-${at}, another-name-of-some-length)`;

  it('the test can fail: a slice keeps what it was cut from', () => {
    expect(
      keptBytes(
        () => BALLAST,
        (text) => text.slice(100, 150),
      ),
    ).to.be.greaterThan(PIECES * 50_000);
  });

  it('an own text and an own value do not', () => {
    for (const keep of [
      (text: string) => ownText(text.slice(100, 150)),
      (text: string) => ownValue([text.slice(9, 99)]),
    ])
      expect(keptBytes(() => BALLAST, keep)).to.be.lessThan(KEPT_BYTES_MAX);
    for (const text of ['', 'a', 'ab', 'a ~ b']) expect(ownText(text)).to.equal(text);
  });

  it('a line among others does not keep its chunk, nor does what was held of it before', () => {
    const chunks = (at: number): string => `${initiation(at)}\n${'x: y\n'.repeat(10_000)}`;
    const first = (text: string): string => new LineFramer(MESSAGE_BYTES_MAX).push(text).lines[0] as string;
    expect(keptBytes(chunks, first)).to.be.lessThan(KEPT_BYTES_MAX);
    const halves = (at: number): string => `${'x: y\n'.repeat(10_000)}${initiation(at)}`;
    const half = (text: string): LineFramer => {
      const framer = new LineFramer(MESSAGE_BYTES_MAX);
      framer.push(text);
      return framer;
    };
    expect(keptBytes(halves, half)).to.be.lessThan(KEPT_BYTES_MAX);
  });

  it('what is read from a padded message does not keep it: fields, lists, extensions, problems', () => {
    const padded = (at: number): string =>
      `${initiation(at)} ~ x_node: a-node-of-some-length-${at} ~ x_pad: ${BALLAST}`;
    const inOrder = (at: number): string => `${initiation(at)} ~ x_node: ${BALLAST}`;
    const pieces = (text: string): unknown => {
      const read = decode(text);
      if (!read.ok || read.message.type !== 'initiation_request') throw new Error('expected an initiation_request');
      const { agent_network_address, service_repository, x } = read.message;
      return [agent_network_address, service_repository, (x?.x_node ?? '').slice(0, 50)];
    };
    expect(keptBytes(padded, pieces)).to.be.lessThan(KEPT_BYTES_MAX);
    expect(keptBytes(inOrder, (text) => (pieces(text) as unknown[]).slice(0, 2))).to.be.lessThan(KEPT_BYTES_MAX);
    for (const problem of [
      `type: ${'q'.repeat(50)}${BALLAST}`,
      `type: initiation_request ~ message_id: ${BALLAST}`,
      `nothing at all ${BALLAST}`,
      `type: session_request ~ message_id: 1 ~ sub_type: ${BALLAST}`,
    ])
      expect(
        keptBytes(
          () => problem,
          (text) => {
            const read = decodeByName(text);
            return read.ok ? '' : read.problem;
          },
        ),
        problem.slice(0, 60),
      ).to.be.lessThan(KEPT_BYTES_MAX);
  });
});
