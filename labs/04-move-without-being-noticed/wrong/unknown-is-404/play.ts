// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

const FILE = 'mine/file-transfer.ts';

export function answer(work: Work): Promise<void> {
  change(work, FILE, '\n  /** 200: upload id', '  const begun = new Set<string>();\n\n  /** 200: upload id');
  change(work, FILE, '    return okRest([id, String(', '    begun.add(id);\n    return okRest([id, String(');
  change(
    work,
    FILE,
    '    const next = offset',
    '    if (!begun.has(uploadId)) return noUpload();\n    const next = offset',
  );
  return Promise.resolve();
}
