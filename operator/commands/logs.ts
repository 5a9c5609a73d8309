/** `ssmmp logs`: the logs of all processes, merged. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { isNamedBy, logText, readLogLine } from '../core/log-line.ts';
import type { LogLine } from '../core/log-line.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { styleFor, writeData } from '../shell/output.ts';
import { stateFiles } from '../shell/settings.ts';
import { nodeFolders } from '../shell/testbed-processes.ts';
import { TextTail } from '../shell/text-tail.ts';
import type { TailLine } from '../shell/text-tail.ts';
import { interruption, settingsOf, wholeNumber, withExamples } from './command.ts';

const LINES_MAX = 1_000_000_000 - 1;

export function addLogs(program: Command): void {
  const command = program
    .command('logs')
    .description('the logs of Manager, agents and instances, merged by time')
    .argument('[names...]', 'manager, agent, a service, an instance (post/5 or 5) or node/2; without any: all')
    .option('-f, --follow', 'go on with new lines until Ctrl-C', false)
    .option('-n, --tail <lines>', 'only the last lines', wholeNumber(0, LINES_MAX))
    .action(async (names: string[], options: { follow: boolean; tail?: number }, self: Command) => {
      await logs(names, options, self);
    });
  withExamples(command, [
    ['ssmmp logs post', 'every instance of the service post'],
    ['ssmmp logs manager -n 20', 'the last words of the Manager'],
    ['ssmmp logs -f -o json', 'the JSON lines as they are written'],
  ]);
}

async function logs(
  names: readonly string[],
  options: { follow: boolean; tail?: number },
  command: Command,
): Promise<void> {
  const { stateDir, output } = settingsOf(command);
  const tail = new TextTail(() => logFiles(stateDir));
  const style = styleFor(process.stdout);
  const sources = new Set<string>();
  const read = (lines: readonly TailLine[]): LogLine[] => {
    for (const { file } of lines) sources.add(sourceOf(file)[0]);
    const all = lines.map(({ file, line }) => readLogLine(line, ...sourceOf(file), (ms) => new Date(ms).toISOString()));
    return byTime(all).filter((line) => names.length === 0 || names.some((name) => isNamedBy(line, name)));
  };
  const show = (lines: readonly LogLine[]): void => {
    writeData(lines.map((line) => (output === 'json' ? `${line.raw}\n` : `${logText(line, style)}\n`)).join(''));
  };
  if (logFiles(stateDir).length === 0 && !options.follow) {
    throw new OperatorError(
      EXIT.failed,
      `there are no logs in ${stateDir}; name the cluster's state directory with --state-dir`,
    );
  }
  const lines = read(tail.read());
  const wanted = options.tail ?? (options.follow ? 10 : lines.length);
  if (lines.length === 0 && names.length > 0 && !options.follow) {
    const known = [...sources].sort().join(', ');
    throw new OperatorError(
      EXIT.failed,
      `no log of ${names.join(', ')} is in ${stateDir}; there are those of ${known}`,
    );
  }
  show(wanted === 0 ? [] : lines.slice(-wanted));
  if (options.follow) await tail.follow((fresh) => show(read(fresh)), interruption());
}

function logFiles(stateDir: string): string[] {
  const files = [stateFiles.managerLog(stateDir), stateFiles.supervisorLog(stateDir)];
  for (const node of nodeFolders(stateDir)) {
    const folder = join(stateFiles.nodes(stateDir), node);
    files.push(join(folder, 'agent.log'));
    const logsFolder = join(folder, 'logs');
    if (existsSync(logsFolder))
      files.push(
        ...readdirSync(logsFolder)
          .filter((name) => /\.log(\.1)?$/.test(name))
          .map((name) => join(logsFolder, name)),
      );
  }
  return files.filter((file) => existsSync(file));
}

/** Source and node of a log file: `nodes/2/logs/post-5.log` is post/5 on node 2. */
function sourceOf(file: string): [source: string, node: string | null] {
  const name = basename(file).replace(/\.log(\.1)?$/, '');
  if (name === 'manager' || name === 'supervisor') return [name, null];
  if (name === 'agent') return [`agent ${basename(dirname(file))}`, basename(dirname(file))];
  const node = basename(dirname(dirname(file)));
  return [name.replace(/-(\d+)$/, '/$1'), node];
}

/** Lines without a time (stacks) stay behind the line before them. */
function byTime(lines: readonly LogLine[]): LogLine[] {
  let last = '';
  let source = '';
  const keyed = lines.map((line) => {
    if (line.source !== source) [source, last] = [line.source, ''];
    last = line.time || last;
    return { line, key: last };
  });
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ line }) => line);
}
