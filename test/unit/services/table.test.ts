/** table: many readers, one question. */
import { expect } from 'chai';
import type { Plug, ServiceContext } from '../../../services/kit/service.ts';
import { create } from '../../../services/table/service.ts';

describe('table', () => {
  it('asks posts-db once for all reads that come in one turn, after the last of them', async () => {
    const asked: ((rest: string) => void)[] = [];
    const plug = {
      forward: (
        _type: string,
        _rest: string,
        done: (response: { type: string; id: number; rest: string }, error: null) => void,
      ) => void asked.push((rest) => done({ type: 'last_posts_response', id: 1, rest }, null)),
    } as unknown as Plug;
    const definition = create({ plug: () => plug } as unknown as ServiceContext);
    const answers: string[] = [];
    const read = (): void =>
      void definition.sockets!['table-socket']!(
        { type: 'retrieve_last_10_posts_request', id: 1, rest: '' },
        { key: '' },
        (_, rest) => answers.push(rest),
      );
    for (let i = 0; i < 5; i += 1) read();
    expect(asked.length, 'not before the last has come').to.equal(0);
    await Promise.resolve();
    expect(asked.length).to.equal(1);
    read();
    await Promise.resolve();
    asked[0]!('first');
    asked[1]!('second');
    expect(answers).to.deep.equal(['first', 'first', 'first', 'first', 'first', 'second']);
  });
});
