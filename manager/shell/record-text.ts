/**
 * A record of the Manager's journal as JSON text, put together by hand where that pays.
 *
 * Lives here: the text. Does not live here: the line around it (ssmmp/shell/journal-line.ts). Lines that come
 * and go are most of the journal, and what they hold is known: pasting them takes half the time of
 * JSON.stringify. The text is the same to the letter (a test compares), so nothing else depends on this file.
 */
import { asciiJson } from '../../ssmmp/shell/journal-line.ts';
import type { ManagerEffect } from '../core/effects.ts';
import type { ManagerInput } from '../core/inputs.ts';

const NEEDS_ESCAPE = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;

/** `{"n":…,"in":…,"out":[…]}` in ASCII. */
export function recordText(n: number, input: ManagerInput, effects: readonly ManagerEffect[]): string {
  let text = `{"n":${n},"in":${inputText(input)},"out":[`;
  for (let index = 0; index < effects.length; index += 1)
    text +=
      index === 0 ? effectText(effects[index] as ManagerEffect) : `,${effectText(effects[index] as ManagerEffect)}`;
  return `${text}]}`;
}

function inputText(input: ManagerInput): string {
  if (input.kind !== 'line_received') return asciiJson(input);
  return `{"kind":"line_received","connection":${input.connection},"line":${quoted(input.line)},"at":${input.at}}`;
}

function effectText(effect: ManagerEffect): string {
  if (effect.kind !== 'send') return asciiJson(effect);
  return `{"kind":"send","connection":${effect.connection},"line":${quoted(effect.line)}}`;
}

function quoted(text: string): string {
  return NEEDS_ESCAPE.test(text) ? asciiJson(text) : `"${text}"`;
}
