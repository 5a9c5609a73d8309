/**
 * What commands print, as text: posts, JSON, names. Pure; colours come in as functions, tables with borders are the
 * shell's (shell/print.ts). Everything that another person may have written goes through visible.ts.
 */
import type { ListedFile, Post } from '../../services/protocols/user.ts';
import { visible, visibleJson, visibleLines } from './visible.ts';

export const OUTPUT_FORMATS = ['table', 'json', 'wide', 'name'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** What may be coloured, and nothing else is. */
export interface Palette {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
}

const POST_INDENT = '    ';

/** Posts for reading: a line about each, then its text. No posts: ''. */
export function postsText(posts: readonly Post[], palette: Palette): string {
  return posts
    .map((post) => {
      const about = `${palette.strong(visible(post.user))}  ${palette.faint(`${visible(post.time)}  #${visible(post.post_id)}`)}`;
      return `${about}\n${POST_INDENT}${visibleLines(post.text, POST_INDENT)}\n`;
    })
    .join('');
}

/** Any result as JSON, with a newline at its end. */
export function jsonText(value: unknown): string {
  return visibleJson(value) + '\n';
}

/** One name a line. */
export function namesText(names: readonly string[]): string {
  return names.map((name) => visible(name) + '\n').join('');
}

/** Posts with the field names of design.md; an id that is a number becomes one. */
export function postsJson(posts: readonly Post[]): unknown[] {
  return posts.map(({ post_id, user, time, text }) => ({ post_id: idJson(post_id), user, time, text }));
}

export function filesJson(files: readonly ListedFile[]): unknown[] {
  return files.map(({ name, size, time }) => ({ name, size, time }));
}

/** Ids are numbers in JSON where they are decimal and exact, else the text they are. */
export function idJson(id: string): number | string {
  return /^(?:0|[1-9][0-9]{0,15})$/.test(id) && Number.isSafeInteger(Number(id)) ? Number(id) : id;
}
