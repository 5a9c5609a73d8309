// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(
    work,
    'agent.mjs',
    `  const id = message[down[0]];
  const instance = instances.get(id);`,
    `  const id = message[down[0]];
  const instance = message.type === 'session_response' ? [...instances.values()].at(-1) : instances.get(id);`,
  );
  return Promise.resolve();
}
