/**
 * What each verb does: ask, send, print. The words of the command line are in program.ts, the texts that are printed in
 * core/render.ts, transfers in transfer.ts.
 */
import { basename, resolve } from 'node:path';
import type { ListedFile, UserFailure, UserProblem } from '../../services/protocols/user.ts';
import {
  LISTED_FILES_MAX,
  POST_BYTES_MAX,
  REQUEST_BYTES_MAX,
  checkFileName,
  checkPostText,
} from '../../services/protocols/user.ts';
import { CommandFailure, EXIT, notLoggedIn, usageFailure } from '../core/exit.ts';
import { idJson } from '../core/render.ts';
import type { VerbName } from '../core/verbs.ts';
import { verbOf } from '../core/verbs.ts';
import { visible } from '../core/visible.ts';
import type { Context } from './context.ts';
import { readAll } from './prompt.ts';
import type { Progress } from './progress.ts';
import { startProgress } from './progress.ts';
import { StdoutSink, sinkAt, targetPath } from './sinks.ts';
import { openSource, spoolStdin } from './sources.ts';
import { removeLogin, writeLogin } from './token-file.ts';
import { getFile, sendFile } from './transfer.ts';

/** What stood on the line. */
export interface Given {
  readonly argument: string | null;
  readonly options: Readonly<Record<string, unknown>>;
}

type Command = (context: Context, given: Given) => Promise<void>;

export const COMMANDS: Readonly<Record<VerbName, Command>> = {
  register: async (context, given) => {
    const user = await argumentOf('register', context, given);
    const password = await context.password(given.options['passwordStdin'] === true, true);
    const answer = await (await context.client()).request('registration_request', { user, password });
    if (!answer.ok) throw failed(answer);
    context.printer.good(`Registered ${visible(user)}. Log in with: cnapp login ${visible(user)}`);
    context.printer.one({ user }, user, null);
  },

  login: async (context, given) => {
    const user = await argumentOf('login', context, given);
    const password = await context.password(given.options['passwordStdin'] === true, false);
    const answer = await (await context.client()).request('login_request', { user, password });
    if (!answer.ok) throw failed(answer);
    writeLogin(context.tokenPath, { user, token: answer.token, time: new Date().toISOString() });
    context.printer.good(`Logged in as ${visible(user)}.`);
    context.printer.one({ user }, user, null);
  },

  logout: async (context) => {
    const { user, token } = context.login();
    const answer = await (await context.client()).request('logout_request', { token });
    if (!answer.ok && answer.status !== 401) throw failed(answer); // 401: it was worthless already
    removeLogin(context.tokenPath);
    context.printer.good(`Logged out ${visible(user)}.`);
    context.printer.one({ user }, user, null);
  },

  whoami: (context) => {
    const { user } = context.login();
    context.printer.one({ user }, user, user);
    return Promise.resolve();
  },

  'send-post': async (context, given) => {
    const { token } = context.login();
    const argument = await argumentOf('send-post', context, given);
    const text = argument === '-' && context.asker === null ? await postFromStdin(context) : argument;
    refuse(checkPostText(text));
    const answer = await (await context.client()).request('send_post_request', { token, text });
    if (!answer.ok) throw failedWithToken(answer);
    context.printer.one({ post_id: idJson(answer.postId) }, answer.postId, answer.postId);
    context.printer.good('Sent.');
  },

  'last-posts': async (context) => {
    const { token } = context.login();
    const answer = await (await context.client()).request('retrieve_last_10_posts_request', { token });
    if (!answer.ok) throw failedWithToken(answer);
    context.printer.posts(answer.posts);
  },

  'send-file': async (context, given) => {
    const { token } = context.login();
    const path = await argumentOf('send-file', context, given);
    const isStdin = path === '-' && context.asker === null;
    const asked = given.options['name'];
    if (isStdin && typeof asked !== 'string') throw usageFailure('send-file - needs --name: stdin has no name');
    const name = typeof asked === 'string' ? asked : basename(path);
    refuse(checkFileName(name));
    const spooled = isStdin ? await spoolStdin(context.io, context.signal) : null;
    try {
      await sendOne(context, token, name, spooled?.path ?? resolve(context.io.cwd, path));
    } finally {
      spooled?.remove();
    }
  },

  'get-file': async (context, given) => {
    const { token } = context.login();
    const name = await argumentOf('get-file', context, given);
    refuse(checkFileName(name));
    const out = typeof given.options['out'] === 'string' ? given.options['out'] : null;
    const isStdout = out === '-';
    const target = isStdout ? '-' : await targetPath(out, name, context.io.cwd);
    const sink = isStdout ? new StdoutSink(context.io) : await sinkAt(target, context.signal);
    const client = await context.client();
    let progress: Progress | null = null;
    try {
      const got = await getFile(client, token, name, sink, (bytes, size) => {
        progress ??= startProgress(context.io, name, size);
        progress.at(bytes);
      });
      stop(progress);
      // With --out - stdout holds the file and nothing else.
      if (!isStdout) context.printer.one({ name, size: got.size, sha256: got.sha256, path: target }, name, target);
      context.printer.good(`Got ${visible(name)} (${got.size} bytes).`);
    } finally {
      stop(progress);
    }
  },

  'list-files': async (context) => {
    const { token } = context.login();
    context.printer.files(await allFiles(context, token));
  },
};

/** All files of the user, a hundred at a time. */
export async function allFiles(context: Context, token: string): Promise<ListedFile[]> {
  const client = await context.client();
  const files: ListedFile[] = [];
  for (let after = ''; ;) {
    const answer = await client.request('list_files_request', { token, after });
    if (!answer.ok) throw failedWithToken(answer);
    files.push(...answer.files);
    const last = answer.files[answer.files.length - 1]?.name ?? '';
    if (answer.files.length < LISTED_FILES_MAX || last === after) return files;
    after = last;
  }
}

async function sendOne(context: Context, token: string, name: string, path: string): Promise<void> {
  const source = await openSource(path);
  try {
    const { size, sha256 } = source;
    const client = await context.client();
    const progress = startProgress(context.io, name, size);
    const stored = await sendFile(client, token, name, source, (bytes) => progress.at(bytes)).finally(() =>
      progress.stop(),
    );
    context.printer.one({ name: stored, size, sha256 }, stored, stored);
    context.printer.good(`Sent ${visible(stored)} (${size} bytes).`);
  } finally {
    await source.close();
  }
}

async function postFromStdin(context: Context): Promise<string> {
  const text = await readAll(context.io, REQUEST_BYTES_MAX, context.signal);
  if (text === null) throw new CommandFailure(EXIT.failed, 413, `stdin holds more than ${POST_BYTES_MAX} bytes`);
  return text.replace(/\r?\n$/, ''); // the newline that echo and editors put at the end is not part of the post
}

function argumentOf(verb: VerbName, context: Context, given: Given): Promise<string> {
  const argument = verbOf(verb)?.argument;
  return context.argument(given.argument, argument?.ask ?? '', argument?.name.toUpperCase() ?? '');
}

function refuse(wrong: UserProblem | null): void {
  if (wrong !== null) throw new CommandFailure(EXIT.failed, wrong.status, wrong.sentence);
}

function failed(answer: UserFailure): CommandFailure {
  return new CommandFailure(EXIT.failed, answer.status, answer.message, { data: answer.data });
}

function failedWithToken(answer: UserFailure): CommandFailure {
  return answer.status === 401 ? notLoggedIn(answer.message) : failed(answer);
}

function stop(progress: Progress | null): void {
  progress?.stop();
}
