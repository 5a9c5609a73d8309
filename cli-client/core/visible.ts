/**
 * Text of other people made fit for a terminal: control characters, escapes and what turns the direction of writing are
 * shown as something visible instead of being sent. Pure.
 *
 * Theory. A post may hold anything, and a terminal obeys what it is sent: it moves its cursor, changes its title, or
 * answers as if the user had typed. So nothing that a stranger wrote goes out unchanged. Visible forms are the control
 * pictures of Unicode (␛ for escape, ␊ for a newline) and `<U+009B>` for what has no picture.
 */

const CONTROL_PICTURES = 0x2400;
const DELETE_PICTURE = '\u2421';
/**
 * C0, DEL, C1; line and paragraph separator; marks, embeddings, overrides and isolates of direction; the byte order
 * mark and interlinear anchors; tags. Joiners and variation selectors stay: emoji need them.
 */
const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\u{e0001}-\u{e007f}]|\p{Surrogate}/gu;

/** `text` with everything that is not simply visible shown: one line, safe in any terminal. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, picture);
}

/** As visible, but a newline is shown *and* begins a new line, which `indent` sets off from what we print ourselves. */
export function visibleLines(text: string, indent: string): string {
  return text.split('\n').map(visible).join(`\u240a\n${indent}`);
}

/** JSON that is safe in a terminal too: what JSON leaves standing of the above is escaped as \uXXXX. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(INVISIBLE, (character) =>
    character === '\n' ? '\n' : escape(character),
  );
}

function picture(character: string): string {
  const code = character.codePointAt(0) as number;
  if (code < 0x20) return String.fromCharCode(CONTROL_PICTURES + code);
  if (code === 0x7f) return DELETE_PICTURE;
  return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}

function escape(character: string): string {
  let escaped = '';
  for (let at = 0; at < character.length; at += 1) {
    escaped += '\\u' + character.charCodeAt(at).toString(16).padStart(4, '0');
  }
  return escaped;
}
