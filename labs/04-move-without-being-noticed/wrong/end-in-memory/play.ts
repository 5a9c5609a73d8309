// One place of the solution changed; why it is wrong stands in lab.yaml.
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';

const FILE = 'mine/file-transfer.ts';

export function answer(work: Work): Promise<void> {
  change(work, FILE, '\n  /** 200: upload id', '  const uploads = new Map<string, Upload>();\n\n  /** 200: upload id');
  change(work, FILE, '    return okRest([id, String(', '    uploads.set(id, upload);\n    return okRest([id, String(');
  change(work, FILE, 'const upload = JSON.parse(piece.about) as Upload;', 'const upload = uploads.get(sent.uploadId);');
  change(
    work,
    FILE,
    '    if (piece.length < upload',
    '    if (upload === undefined) return noUpload();\n    if (piece.length < upload',
  );
  return Promise.resolve();
}
