// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(
    work,
    'agent.mjs',
    `  dest_service_session_close_request: ['dest_service_instance_id', 'agent_to_dest_service'],
`,
    ``,
  );
  return Promise.resolve();
}
