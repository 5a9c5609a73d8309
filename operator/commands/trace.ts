/** `ssmmp trace`: every SSMMP message, for the whole run or one session. */
import { dirname, join } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { parseDuration } from '../../ssmmp/core/duration.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { mergeTraces } from '../../ssmmp/core/trace-merge.ts';
import { entriesOfSession, parseSessionKey, readTraceLine, typeOf } from '../../ssmmp/core/trace.ts';
import type { TraceEntry } from '../../ssmmp/core/trace.ts';
import { renderTrace, TRACE_FORMATS, traceText } from '../core/trace-render.ts';
import type { TraceFormat } from '../core/trace-render.ts';
import { styleFor, tell, writeData } from '../shell/output.ts';
import { stateFiles } from '../shell/settings.ts';
import { nodeFolders } from '../shell/testbed-processes.ts';
import { TextTail } from '../shell/text-tail.ts';
import type { TailLine } from '../shell/text-tail.ts';
import { clientOf, interruption, settingsOf, withExamples } from './command.ts';

interface TraceOptions {
  readonly session?: string;
  readonly format: TraceFormat;
  readonly since?: string;
  readonly follow: boolean;
  readonly health: boolean;
}

export function addTrace(program: Command): void {
  const command = program
    .command('trace')
    .description('every SSMMP message with time, hop, sender, receiver and exchange')
    .option('--session <key>', 'one session, KEY as in `ssmmp get sessions -o name`', sessionKeyOption)
    .addOption(new Option('--format <format>', 'how it is written').choices(TRACE_FORMATS).default('text'))
    .option('--since <time>', 'from a time (ISO 8601) or so long ago (30s, 5m)', sinceOption)
    .option('--no-health', 'without the health messages, which come all the time')
    .option('-f, --follow', 'go on with new messages until Ctrl-C', false)
    .action(async (options: TraceOptions, self: Command) => {
      const format = settingsOf(self).output === 'json' ? 'json' : options.format;
      await (options.follow ? follow(options, format, self) : print(options, format, self));
    });
  withExamples(command, [
    ['ssmmp trace --since 10s', 'what was just said'],
    ['ssmmp trace --session "$(ssmmp get sessions -o name | head -1)"', 'the life of one session'],
    ['ssmmp trace --no-health --format mermaid', 'a sequence diagram'],
    ['ssmmp trace -f', 'watch the messages'],
  ]);
}

async function print(options: TraceOptions, format: TraceFormat, command: Command): Promise<void> {
  const client = clientOf(command);
  const agents = readParts(tailOf(command).read());
  let manager: TraceEntry[] = [];
  try {
    manager = await client.trace(options.since ?? null);
  } catch (error) {
    // the agents' files are the greater part and need no Manager
    if (!(error instanceof OperatorError) || agents.length === 0) throw error;
    tell(`The Manager's part is missing (${error.message}); these are the agents' messages.`);
  }
  const entries = chosen(mergeTraces({ agents, manager }), options);
  if (entries.length === 0 && options.session !== undefined) {
    throw new OperatorError(
      EXIT.failed,
      `no message of session ${options.session} was traced; \`ssmmp get sessions -o name --all\` lists KEYs`,
    );
  }
  writeData(renderTrace(entries, format, styleFor(process.stdout)));
}

/**
 * New messages as the agents write them; one object a line as JSON. Mermaid has no end to follow. Without the Manager's part
 * messages of two agents may change places when there is a millisecond or so between them.
 */
async function follow(options: TraceOptions, format: TraceFormat, command: Command): Promise<void> {
  if (format === 'mermaid')
    throw new OperatorError(EXIT.usage, '--follow writes text or json; a mermaid diagram needs an end');
  const style = styleFor(process.stdout);
  const tail = tailOf(command);
  const show = (entries: readonly TraceEntry[]): void => {
    for (const entry of entries)
      writeData(format === 'json' ? `${JSON.stringify(entry)}\n` : `${traceText(entry, style)}\n`);
  };
  // what came before counts for finding the exchanges of a session, and is shown from --since on
  const merge = (lines: readonly TailLine[]): TraceEntry[] => mergeTraces({ agents: readParts(lines), manager: [] });
  let known = merge(tail.read());
  show(options.since === undefined ? [] : chosen(known, options));
  if (options.session === undefined) known = [];
  await tail.follow((lines) => {
    const fresh = merge(lines);
    if (options.session === undefined) return show(chosen(fresh, options));
    known = [...known, ...fresh];
    const isFresh = new Set(fresh);
    show(chosen(known, options).filter((entry) => isFresh.has(entry)));
  }, interruption());
}

function tailOf(command: Command): TextTail {
  const { stateDir } = settingsOf(command);
  // an agent turns its trace over at a limit: the part before has .1 behind its name
  return new TextTail(() =>
    nodeFolders(stateDir).flatMap((node) => {
      const path = join(stateFiles.nodes(stateDir), node, 'trace.jsonl');
      return [`${path}.1`, path];
    }),
  );
}

/** One part a node, in the order in which it was written. */
function readParts(lines: readonly TailLine[]): TraceEntry[][] {
  const parts = new Map<string, TraceEntry[]>();
  for (const { file, line } of lines) {
    const entry = readTraceLine(line);
    if (entry === null) continue;
    const node = dirname(file);
    const part = parts.get(node);
    if (part === undefined) parts.set(node, [entry]);
    else part.push(entry);
  }
  return [...parts.values()];
}

function chosen(entries: readonly TraceEntry[], options: TraceOptions): TraceEntry[] {
  const ofSession = options.session === undefined ? entries : entriesOfSession(entries, options.session);
  return ofSession.filter(
    ({ time, message }) =>
      (options.since === undefined || time >= options.since) &&
      (options.health || !typeOf(message).includes('_health_')),
  );
}

function sessionKeyOption(text: string): string {
  const key = parseSessionKey(text);
  if (key === null) throw new InvalidArgumentError('Expected a KEY addr:port-addr:port, IPv6 in brackets.');
  return key;
}

function sinceOption(text: string): string {
  const agoMs = parseDuration(text);
  const time = agoMs === null ? Date.parse(text) : Date.now() - agoMs;
  if (Number.isNaN(time))
    throw new InvalidArgumentError('Expected a time such as 2025-01-31T12:00:00Z or a duration such as 30s or 5m.');
  return new Date(time).toISOString();
}
