// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(
    work,
    'agent.mjs',
    `    return respond('service_instance_health_response', ['service_instance_id', id], ['status', 404]);`,
    `    return;`,
  );
  return Promise.resolve();
}
