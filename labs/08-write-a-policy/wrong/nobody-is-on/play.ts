// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(
    work,
    'policy.ts',
    'const choice = wanted > desired ? wanted : isSure ? desired - 1 : desired;',
    'const choice = wanted > desired ? wanted : isSure ? desired - 1 : desired;\n  const busiest = replicas[0]!.instance;',
  );
  return Promise.resolve();
}
