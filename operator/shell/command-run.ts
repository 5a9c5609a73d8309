/**
 * Running a command of the Manager that lasts: what happens meanwhile is told on stderr.
 *
 * Lives here: the order of stream, request and answer. Does not live here: which events belong (core/progress.ts), what
 * is printed of an answer.
 */
import { eventText } from '../core/event-text.ts';
import type { Progress } from '../core/progress.ts';
import type { OperatorClient } from './operator-client.ts';
import { styleFor, tell } from './output.ts';

/** A little more than the Manager waits before it answers that something goes on without us. */
const COMMAND_MS_MAX = 65_000;

export type CommandBody = { readonly command: string; readonly [name: string]: unknown };

/** Sends a command and gives back its answer; until then the events that belong to it are told, one a line. */
export async function runCommand(
  client: OperatorClient,
  body: CommandBody,
  progress: Progress,
): Promise<Record<string, unknown>> {
  const style = styleFor(process.stderr);
  const following = await client.follow((event) => {
    if (progress.belongs(event)) tell(eventText(event, style));
  });
  try {
    progress.begin(...(await Promise.all([client.list('instances'), client.list('sessions')])));
    return await client.command(body, COMMAND_MS_MAX);
  } finally {
    await following.caughtUp();
    following.stop();
  }
}
