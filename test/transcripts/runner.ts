// Readable transcripts of a machine, after etcd's raft tests. What may not be here: anything about one actor.
//
// A transcript is a text file. Prose says why; a block says what: a command with its arguments, input lines below
// it, `----`, and exactly what comes out, up to the next empty line:
//
//     # R27 what is not in the repository is answered 404.
//
//     manager
//     type: execution_request ~ message_id: 30000 ~ …
//     ----
//     > Manager  type: execution_response ~ message_id: 30000 ~ status: 404
//
// The first line of prose is the test's title. Arguments are words or `name=contents`. With UPDATE_TRANSCRIPTS=1 the
// files are written anew with what came out: read the difference before you commit it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

export interface Command {
  readonly name: string;
  /** Arguments without `=`. */
  readonly words: readonly string[];
  readonly args: Readonly<Record<string, string>>;
  /** The lines between the command and `----`. */
  readonly input: readonly string[];
  /** Where it stands, for messages. */
  readonly line: number;
}

/** Does one command; gives the lines that come out. */
export type Handler = (command: Command) => readonly string[];

interface Block extends Command {
  readonly head: readonly string[];
  readonly expected: readonly string[];
}

/** Describes one test for each .txt file of a folder; each begins with a handler of its own. */
export function describeTranscripts(title: string, folder: string, makeHandler: () => Handler): void {
  describe(title, () => {
    for (const file of readdirSync(folder).sort()) {
      if (!file.endsWith('.txt')) continue;
      const path = join(folder, file);
      const parts = parseTranscript(readFileSync(path, 'utf8'), file);
      const prose = parts.find((part) => typeof part === 'string' && part.startsWith('# '));
      it(`${typeof prose === 'string' ? prose.slice(2) : file} (${file})`, () => {
        const handle = makeHandler();
        if (process.env['UPDATE_TRANSCRIPTS'] === '1') return update(path, parts, handle);
        for (const part of parts)
          if (typeof part !== 'string')
            expect(handle(part).join('\n'), `${file}:${part.line} ${part.head[0]}`).to.equal(part.expected.join('\n'));
      });
    }
  });
}

/** A transcript as its parts in order: lines of prose, and blocks. */
export function parseTranscript(text: string, file: string): (string | Block)[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const parts: (string | Block)[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] as string;
    if (line === '' || line.startsWith('#')) {
      parts.push(line);
      continue;
    }
    const start = at;
    const rule = lines.indexOf('----', start);
    const gap = lines.indexOf('', start);
    if (rule === -1 || (gap !== -1 && gap < rule))
      throw new Error(`${file}:${start + 1} the command '${line}' has no line '----' below it`);
    const end = gap === -1 ? lines.length : gap;
    const head = lines.slice(start, rule);
    parts.push({
      ...parseCommand(head[0] as string),
      head,
      input: head.slice(1),
      line: start + 1,
      expected: lines.slice(rule + 1, end),
    });
    at = end - 1;
  }
  return parts;
}

function parseCommand(line: string): Pick<Command, 'name' | 'words' | 'args'> {
  const [name = '', ...rest] = line.split(/\s+/);
  const args: Record<string, string> = {};
  const words: string[] = [];
  for (const item of rest) {
    const equals = item.indexOf('=');
    if (equals > 0) args[item.slice(0, equals)] = item.slice(equals + 1);
    else words.push(item);
  }
  return { name, words, args };
}

function update(path: string, parts: readonly (string | Block)[], handle: Handler): void {
  const lines = parts.flatMap((part) => (typeof part === 'string' ? [part] : [...part.head, '----', ...handle(part)]));
  writeFileSync(path, `${lines.join('\n')}\n`);
}
