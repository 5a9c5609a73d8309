/**
 * Writing to the user: data on stdout, talk on stderr, in the format asked for. What the texts look like is in
 * core/render.ts; here are the streams, the colours and the table of files.
 */
import Table from 'cli-table3';
import type { ListedFile, Post } from '../../services/protocols/user.ts';
import type { CommandFailure } from '../core/exit.ts';
import type { OutputFormat, Palette } from '../core/render.ts';
import { filesJson, idJson, jsonText, namesText, postsJson, postsText } from '../core/render.ts';
import { visible } from '../core/visible.ts';
import { paletteFor } from './colour.ts';
import type { Io } from './io.ts';

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

export class Printer {
  readonly format: OutputFormat;
  readonly #io: Io;
  readonly #out: Palette;
  readonly #err: Palette;

  constructor(io: Io, format: OutputFormat) {
    this.#io = io;
    this.format = format;
    this.#out = paletteFor(io.stdout, io.env);
    this.#err = paletteFor(io.stderr, io.env);
  }

  /** A sentence for people, on stderr. */
  talk(sentence: string): void {
    this.#io.stderr.write(sentence + '\n');
  }

  /** As talk, for what went well. */
  good(sentence: string): void {
    this.talk(this.#err.good(sentence));
  }

  posts(posts: readonly Post[]): void {
    if (this.format === 'json') this.#data(jsonText(postsJson(posts)));
    else if (this.format === 'name') this.#data(namesText(posts.map((post) => post.post_id)));
    else if (posts.length === 0) this.talk('There are no posts yet.');
    else this.#data(postsText(posts, this.#out));
  }

  files(files: readonly ListedFile[]): void {
    if (this.format === 'json') this.#data(jsonText(filesJson(files)));
    else if (this.format === 'name') this.#data(namesText(files.map((file) => file.name)));
    else if (files.length === 0) this.talk('You have no files yet.');
    else this.#data(this.#filesTable(files) + '\n');
  }

  /** One thing: an object in JSON; `name` is its name with -o name, and in a table too unless there `says` is null. */
  one(json: Readonly<Record<string, unknown>>, name: string, says: string | null): void {
    if (this.format === 'json') this.#data(jsonText(json));
    else if (this.format === 'name') this.#data(namesText([name]));
    else if (says !== null) this.#data(visible(says) + '\n');
  }

  failure(failure: CommandFailure): void {
    const status = failure.status === 0 ? '' : ` (${failure.status})`;
    this.talk(`${this.#err.bad('cnapp:')} ${visible(failure.message)}${status}`);
    if (failure.hint !== null) this.talk(failure.hint);
    if (this.format !== 'json') return;
    const data = failure.data === null ? null : idJson(failure.data);
    this.#data(jsonText({ status: failure.status, message: failure.message, data }));
  }

  #data(text: string): void {
    this.#io.stdout.write(text);
  }

  #filesTable(files: readonly ListedFile[]): string {
    const table = new Table({
      head: ['NAME', 'SIZE', 'TIME'].map((title) => this.#out.strong(title)),
      chars: NO_BORDERS,
      style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
      colAligns: ['left', 'right', 'left'],
    });
    for (const file of files) table.push([visible(file.name), String(file.size), visible(file.time)]);
    return table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n');
  }
}
