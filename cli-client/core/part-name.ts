/** The name of a partial file: it says of which content it is a part, so that no other is gone on with. Pure. */
import { FILE_NAME_BYTES_MAX, utf8Bytes } from '../../services/protocols/user.ts';

const SHA_DIGITS = 16;

/** `NAME.<first digits of its SHA-256>.part`, NAME being cut where the whole would be longer than a name may be. */
export function partName(name: string, sha256: string): string {
  const suffix = `.${sha256.slice(0, SHA_DIGITS)}.part`;
  let kept = '';
  let bytes = suffix.length;
  for (const character of name) {
    bytes += utf8Bytes(character);
    if (bytes > FILE_NAME_BYTES_MAX) break;
    kept += character;
  }
  return kept + suffix;
}
