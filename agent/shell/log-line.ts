/**
 * One line of an instance's output as one line of its log.
 *
 * Lives here: the format. Does not live here: files (output.ts).
 */

/** Who wrote it. */
export interface LogNames {
  readonly node: string;
  readonly service: string;
  readonly instance: number;
}

/** pino's number for `info`: what a program that does not speak JSON writes is taken for that. */
const LEVEL_INFO = 30;

/**
 * A JSON object passes through with node, service and instance named; anything else becomes the `msg` of one.
 * Null for an empty line. `now` in milliseconds since 1970.
 */
export function asLogLine(line: string, names: LogNames, now: number): string | null {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (text.trim() === '') return null;
  const missing = text.startsWith('{') ? missingNames(text, names) : null;
  if (missing === null)
    return JSON.stringify({ level: LEVEL_INFO, time: new Date(now).toISOString(), ...names, msg: text });
  if (missing.length === 0) return text;
  const named = missing.map((key) => `${JSON.stringify(key)}:${JSON.stringify(names[key])}`).join(',');
  const rest = text.slice(1).trimStart();
  return rest.startsWith('}') ? `{${named}${rest}` : `{${named},${rest}`;
}

/** The names a JSON object lacks; null when the text is no JSON object. */
function missingNames(text: string, names: LogNames): (keyof LogNames)[] | null {
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    return (Object.keys(names) as (keyof LogNames)[]).filter((key) => !Object.hasOwn(value, key));
  } catch {
    return null; // begins like JSON and is none: any program may write a brace
  }
}
