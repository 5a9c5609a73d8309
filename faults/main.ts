/**
 * The link process: the TCP proxies of the links that have a fault; bundled to dist/link.js.
 *
 * Lives here: the channel to the front that started it. Does not live here: links (shell/). It ends with the front: then
 * its connections break, and agents go straight to the Manager again.
 */
import type { LinkOrder, LinkWord } from './core/link-words.ts';
import { LinkHost } from './shell/link-host.ts';

const seed = Number(process.argv[2] ?? '1');
const host = new LinkHost(say, Number.isSafeInteger(seed) ? seed : 1);

process.on('disconnect', () => process.exit(0));
// a Ctrl-C at the terminal is the front's business
process.on('SIGINT', () => undefined);
process.on('message', ({ seq, order }: { seq: number; order: LinkOrder }) => {
  host.obey(order).then(
    (value) => say({ say: 'answer', seq, value }),
    (error: unknown) => say({ say: 'refused', seq, why: (error as Error).message }),
  );
});

function say(word: LinkWord): void {
  if (process.connected) process.send?.(word, undefined, undefined, () => null);
}
