/**
 * A record of the Manager's journal as JSON text, put together by hand where that pays.
 *
 * Lives here: the text. Does not live here: the line around it (ssmmp/shell/journal-line.ts). Lines that come
 * and go are most of the journal, and what they hold is known: pasting them takes half the time of
 * JSON.stringify. The text is the same to the letter (a test compares), so nothing else depends on this file.
 */
import { isPlain } from '../../ssmmp/core/codec-quick.ts';
import { asciiJson } from '../../ssmmp/shell/journal-line.ts';
import type { ManagerEffect, ManagerEvent } from '../core/effects.ts';
import type { ManagerInput } from '../core/inputs.ts';

const NEEDS_ESCAPE = /[^\x20\x21\x23-\x5b\x5d-\x7e→]/;

// Names of fields and kinds are our own words and need no escape.

/** `{"n":…,"in":…,"out":[…]}` in ASCII. */
export function recordText(n: number, input: ManagerInput, effects: readonly ManagerEffect[]): string {
  let text = `{"n":${n},"in":${inputText(input)},"out":[`;
  for (let index = 0; index < effects.length; index += 1)
    text +=
      index === 0 ? effectText(effects[index] as ManagerEffect) : `,${effectText(effects[index] as ManagerEffect)}`;
  return `${text}]}`;
}

function inputText(input: ManagerInput): string {
  if (input.kind !== 'line_received' || input.answers !== undefined) return asciiJson(input);
  // Nearly every line has just been read by its pattern: it need not be looked through again.
  const line = isPlain(input.line) ? `"${input.line}"` : quoted(input.line);
  return `{"kind":"line_received","connection":${input.connection},"line":${line},"at":${input.at}}`;
}

function effectText(effect: ManagerEffect): string {
  if (effect.kind === 'send') return `{"kind":"send","connection":${effect.connection},"line":${quoted(effect.line)}}`;
  if (effect.kind !== 'event') return asciiJson(effect);
  const { seq, what, text, data } = effect.event;
  return `{"kind":"event","event":{"seq":${seq},"what":"${what}","text":${quoted(text)},"data":${dataText(data)}}}`;
}

function dataText(data: ManagerEvent['data']): string {
  let text = '';
  for (const name in data) {
    const value = data[name];
    if (value === undefined) continue;
    const written =
      typeof value === 'string' ? quoted(value) : Number.isFinite(value) ? String(value) : asciiJson(value);
    text += `${text === '' ? '' : ','}"${name}":${written}`;
  }
  return `{${text}}`;
}

/** Arrows are frequent in the texts of events and nearly the only letters beyond ASCII there. */
function quoted(text: string): string {
  if (NEEDS_ESCAPE.test(text)) return asciiJson(text);
  return text.includes('→') ? `"${text.replaceAll('→', '\\u2192')}"` : `"${text}"`;
}
