/** `ssmmp events`: what happened, and with --watch what happens. */
import type { Command } from 'commander';
import { eventText } from '../core/event-text.ts';
import type { OperatorEvent } from '../core/event-text.ts';
import { styleFor, writeData } from '../shell/output.ts';
import { clientOf, interruption, settingsOf, wholeNumber, withExamples } from './command.ts';

export function addEvents(program: Command): void {
  const command = program
    .command('events')
    .description('the events the Manager recorded')
    .option('-w, --watch', 'go on with new events until Ctrl-C', false)
    .option('--since <seq>', 'only events after this sequence number', wholeNumber(0, 999_999_999), 0)
    .action(async (options: { watch: boolean; since: number }, self: Command) => {
      await (options.watch ? watch(options.since, self) : list(options.since, self));
    });
  withExamples(command, [
    ['ssmmp events', 'what happened so far'],
    ['ssmmp events --watch', 'the stream; keep it open while you kill things'],
    ['ssmmp events --watch -o json', 'one JSON object a line'],
  ]);
}

async function list(since: number, command: Command): Promise<void> {
  const events = await clientOf(command).events(since);
  if (settingsOf(command).output === 'json') writeData(`${JSON.stringify(events, null, 2)}\n`);
  else writeData(events.map((event) => `${eventText(event, styleFor(process.stdout))}\n`).join(''));
}

/** Watches first and asks for the past then, so that nothing falls between. */
async function watch(since: number, command: Command): Promise<void> {
  const client = clientOf(command);
  const isJson = settingsOf(command).output === 'json';
  const style = styleFor(process.stdout);
  let lastSeq = since;
  const print = (event: OperatorEvent): void => {
    if (event.seq <= lastSeq) return;
    lastSeq = event.seq;
    writeData(isJson ? `${JSON.stringify(event)}\n` : `${eventText(event, style)}\n`);
  };
  let early: OperatorEvent[] | null = [];
  await new Promise<void>((resolve, reject) => {
    const unwatch = client.watch((event) => (early === null ? print(event) : early.push(event)), reject);
    interruption().addEventListener('abort', () => {
      unwatch();
      resolve();
    });
    client.events(since).then((events) => {
      for (const event of [...events, ...(early ?? [])]) print(event);
      early = null;
    }, reject);
  });
}
