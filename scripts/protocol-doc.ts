/**
 * Prints docs/protocol.md from the catalog: `npm run docs`.
 *
 * Lives here: the text around the tables and the tables' layout. Does not live here: any fact about a
 * message, which all come from ssmmp/core. A test fails when the page is out of date.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EXTENSION_LINES, FIELD_KINDS, MESSAGE_TYPES, rowOf, type MessageType } from '../ssmmp/core/catalog.ts';
import { MESSAGE_BYTES_MAX, MESSAGE_LINES_MAX, UNREADABLE_MESSAGES_MAX } from '../ssmmp/core/names.ts';
import { LINE_SPELLINGS, SUB_TYPE_SPELLINGS, TYPE_SPELLINGS } from '../ssmmp/core/spellings.ts';
import { STATUS } from '../ssmmp/core/status.ts';
import { DEFAULT_TIMERS, scaledTimers, TIMER_NAMES, timerMeaning, type TimerName } from '../ssmmp/core/timers.ts';

const KINDS: Readonly<Record<(typeof FIELD_KINDS)[keyof typeof FIELD_KINDS], string>> = {
  address: 'IPv4 or IPv6 literal, canonical form',
  names: '`(a, b)`',
  status: '100 to 599',
  name: 'name',
  plug: 'name, or `-` when not known',
  id: '1 to 2^53-1',
  port: '1 to 65535',
  sockets: '`S1, 54001 & S2, 54002`',
  plugs: '`P1, S1, B & P2, S2, C`',
};

/** The whole page. */
export function protocolDoc(): string {
  return `${[head(), ...MESSAGE_TYPES.map(messageSection), extensions(), spellings(), timers()].join('\n\n')}\n`;
}

function head(): string {
  const rows = MESSAGE_TYPES.map((type) => {
    const { hops, response } = rowOf(type);
    const path = [hops[0]?.from, ...hops.map(({ to }) => to)].join(' → ');
    return `| [\`${type}\`](#${type}) | ${path} | ${response === null ? '' : `\`${response}\``} |`;
  });
  return `# SSMMP/1.1 on the wire

<!-- Printed from ssmmp/core by \`npm run docs\`. Do not edit by hand. -->

A message is one text line: lines \`name: contents\` joined by \` ~ \`, ended by LF. First \`type\`, then \`message_id\`, then
\`sub_type\` where the message has one, then the fields in the order below. A sender keeps the order; a receiver reads by
name. At most ${MESSAGE_BYTES_MAX} bytes and ${MESSAGE_LINES_MAX} lines; 7-bit ASCII; a contents never holds \`~\` or a control character. The
${UNREADABLE_MESSAGES_MAX}rd message that cannot be read closes the connection. The rulings R01 to R52, which settle what the specification
leaves open, are in [rulings.md](rulings.md).

| message | path | response |
| --- | --- | --- |
${rows.join('\n')}`;
}

function messageSection(type: MessageType): string {
  const { hops, fields, blank } = rowOf(type);
  const hopRows = hops.map(
    ({ subType, from, to }) => `| ${from} → ${to} | ${subType === null ? 'no line' : `\`${subType}\``} |`,
  );
  const fieldRows = fields.map((field) => {
    const mayBeBlank = blank.includes(field) ? ', may be empty' : '';
    return `| \`${field}\` | ${KINDS[FIELD_KINDS[field]]}${mayBeBlank} |`;
  });
  const codes = (STATUS as Partial<Record<MessageType, Record<string, string>>>)[type];
  const codeText =
    codes === undefined
      ? ''
      : `\n\nStatus: ${Object.entries(codes)
          .map(([code, words]) => `${code} ${words}`)
          .join(' · ')}`;
  return `## ${type}

| hop | \`sub_type\` |
| --- | --- |
${hopRows.join('\n')}

| field | contents |
| --- | --- |
${fieldRows.join('\n')}${codeText}`;
}

function extensions(): string {
  const rows = Object.entries(EXTENSION_LINES).map(([name, words]) => `| \`${name}\` | ${words} |`);
  return `## Lines we add

All are optional, stand after the fields, and are left out under \`--strict-1.1\`. A receiver that does not know them ignores them.

| line | meaning |
| --- | --- |
${rows.join('\n')}`;
}

function spellings(): string {
  const rows = [
    ...Object.entries(TYPE_SPELLINGS).map(
      ([listed, { instance, agent }]) =>
        `| type \`${listed}\` | \`${agent}\`, or with a line \`service_instance_id\` \`${instance}\` |`,
    ),
    ...Object.entries(SUB_TYPE_SPELLINGS).map(
      ([listed, names]) =>
        `| sub_type \`${listed}\` | ${names.map((name) => `\`${name}\``).join(', ')}, whichever the type has |`,
    ),
    ...Object.entries(LINE_SPELLINGS).flatMap(([type, lines]) =>
      Object.entries(lines).map(([listed, name]) => `| \`${listed}\` in \`${type}\` | \`${name}\` |`),
    ),
  ];
  return `## Spellings we read and never write (R24)

| the published listing writes | read as |
| --- | --- |
${rows.join('\n')}`;
}

function timers(): string {
  const other = (name: TimerName, ms: number): string => (ms === DEFAULT_TIMERS[name] ? '' : String(ms));
  const [nomad, kubernetes] = [scaledTimers(1, 'nomad'), scaledTimers(1, 'kubernetes')];
  const rows = TIMER_NAMES.map(
    (name) =>
      `| \`${name}\` | ${DEFAULT_TIMERS[name]} | ${other(name, nomad[name])} | ${other(name, kubernetes[name])} | ${timerMeaning(name)} |`,
  );
  return `## Timers (R46)

In milliseconds. \`--timers\` (or \`SSMMP_TIMERS\`) chooses the column, \`--timer-scale\` (or \`SSMMP_TIMER_SCALE\`) multiplies all of it;
\`ssmmp get timers\` shows what a running cluster has. Empty: as in lab. Where the figures are from stands in ssmmp/core/timers.ts.

| timer | lab | nomad | kubernetes | what for |
| --- | --- | --- | --- | --- |
${rows.join('\n')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL('../docs/protocol.md', import.meta.url), protocolDoc());
