// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(
    work,
    'agent.mjs',
    `      ['message_id', nextId()],\n`,
    `      ['message_id', nextId()],\n      ['x_version', '1.1'],\n`,
  );
  return Promise.resolve();
}
