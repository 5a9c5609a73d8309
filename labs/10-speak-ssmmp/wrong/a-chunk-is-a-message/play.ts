// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

export function answer(work: Work): Promise<void> {
  change(work, 'agent.mjs', `    rest += text;`, `    rest = text.endsWith('\\n') ? text : \`\${text}\\n\`;`);
  return Promise.resolve();
}
