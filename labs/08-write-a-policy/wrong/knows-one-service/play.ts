// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(
    work,
    'policy.ts',
    'if (sinceMs === 0) return',
    "if (service !== 'post') return { replicas: desired };\n  if (sinceMs === 0) return",
  );
  return Promise.resolve();
}
