// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(
    work,
    'agent.mjs',
    `instance.onEnd = () => tell(\`\${toManager(line)}\\n\`); // "off" needs proof of death`,
    `tell(\`\${toManager(line)}\\n\`);
    instance.onEnd = () => {};`,
  );
  return Promise.resolve();
}
