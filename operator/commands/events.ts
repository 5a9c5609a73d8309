/** `ssmmp events`: what happened, and with --watch what happens. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { eventText } from '../core/event-text.ts';
import type { OperatorEvent } from '../core/event-text.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import type { OperatorClient } from '../shell/operator-client.ts';
import { styleFor, tell, writeData } from '../shell/output.ts';
import { clientOf, interruption, settingsOf, wholeNumber, withExamples } from './command.ts';

/** A Manager that died is asked for again this often, in milliseconds. */
const AGAIN_MS = 250;

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
    ['ssmmp events -o wide', 'with the number of each event'],
    ['ssmmp events --watch', 'the stream; keep it open while you kill things'],
    ['ssmmp events --watch -o json', 'one JSON object a line'],
  ]);
}

async function list(since: number, command: Command): Promise<void> {
  const events = await clientOf(command).events(since);
  const { output } = settingsOf(command);
  if (output === 'json') writeData(`${JSON.stringify(events, null, 2)}\n`);
  else writeData(events.map((event) => `${eventText(event, styleFor(process.stdout), output === 'wide')}\n`).join(''));
}

/**
 * Goes on when the Manager dies and comes back: that is what one wants to see. Only a Manager that was not there in the
 * first place is an error.
 */
async function watch(since: number, command: Command): Promise<void> {
  const client = clientOf(command);
  const { output } = settingsOf(command);
  const isJson = output === 'json';
  const style = styleFor(process.stdout);
  const stop = interruption();
  let lastSeq = since;
  const print = (event: OperatorEvent): void => {
    if (event.seq <= lastSeq) return;
    lastSeq = event.seq;
    writeData(isJson ? `${JSON.stringify(event)}\n` : `${eventText(event, style, output === 'wide')}\n`);
  };
  for (let isFirst = true; !stop.aborted; isFirst = false) {
    const broken = await stream(client, () => lastSeq, print, stop);
    if (broken === null) return;
    if (isFirst && lastSeq === since) throw broken;
    if (broken.exitCode !== EXIT.unreachable) throw broken;
    if (isFirst) tell('The Manager is gone; waiting for it to come back (Ctrl-C ends).');
    await sleep(AGAIN_MS, undefined, { signal: stop }).catch(() => null);
  }
}

/** One connection: watches first and asks for the past then, so that nothing falls between. Null when told to stop. */
function stream(
  client: OperatorClient,
  lastSeq: () => number,
  print: (event: OperatorEvent) => void,
  stop: AbortSignal,
): Promise<OperatorError | null> {
  return new Promise((resolve, reject) => {
    let early: OperatorEvent[] | null = [];
    const unwatch = client.watch((event) => (early === null ? print(event) : early.push(event)), resolve);
    stop.addEventListener('abort', () => {
      unwatch();
      resolve(null);
    });
    client.events(lastSeq()).then(
      (events) => {
        for (const event of [...events, ...(early ?? [])]) print(event);
        early = null;
      },
      (error: unknown) => {
        unwatch();
        if (error instanceof OperatorError) resolve(error);
        else reject(error as Error);
      },
    );
  });
}
