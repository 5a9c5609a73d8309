/**
 * Texts that show commands and what they print, compared with what the commands do print.
 *
 * Lives here: reading the blocks, comparing. Does not live here: running anything.
 *
 * A block ```console holds commands (`$ …`) and what they print; `…` stands for anything, a line `…` alone for any lines.
 * Standard output comes first, then talk.
 */

export interface Shown {
  readonly command: string;
  readonly output: readonly string[];
}

/** A command, or a remark for the test: `<!-- test: answer -->`. */
export type Step = Shown | { readonly remark: string };

/** The steps of a text, in its order. */
export function stepsOf(text: string): Step[] {
  return [...text.matchAll(/```console\n([\s\S]*?)```|^<!-- test: (.*) -->$/gm)].flatMap(
    ([, block, remark]): Step[] => {
      if (remark !== undefined) return [{ remark }];
      const commands: { command: string; output: string[] }[] = [];
      for (const line of (block ?? '').split('\n')) {
        if (line.startsWith('$ ')) commands.push({ command: line.slice(2), output: [] });
        else commands.at(-1)?.output.push(line);
      }
      return commands;
    },
  );
}

/** The commands of a text, in its order. */
export function shownIn(text: string): Shown[] {
  return stepsOf(text).filter((step) => 'command' in step);
}

/** Does `text` have these lines, in this order from its start? */
export function matches(text: string, lines: readonly string[]): boolean {
  const wanted = lines.filter((line) => line.trim() !== '');
  const pattern = wanted
    .map((line) => (line === '…' ? '(?:.*\\n)*?' : `${line.trimEnd().split('…').map(escape).join('.*?')}[^\\S\\n]*\\n`))
    .join('');
  return new RegExp(`^${pattern}`).test(
    text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .concat('')
      .join('\n'),
  );
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ +/g, '\\s+');
}
