/**
 * What a soak finds: complaints, the stalls of users, and whether what users were told is so.
 *
 * Lives here: collecting and telling. Does not live here: what is done to the cluster (moves.ts, kills.ts), the users
 * (test/e2e/traffic.ts), the laws (load/core/checker.ts).
 */
import { checkHistory } from '../../load/core/checker.ts';
import { violationText } from '../../load/core/history.ts';
import type { Done } from '../e2e/plain-user.ts';
import { storedPosts } from '../e2e/stored-posts.ts';
import type { Traffic } from '../e2e/traffic.ts';

export class Verdict {
  readonly complaints: string[] = [];
  private readonly worstMs: Record<string, number> = {};
  private readonly tellLine: (line: string) => void;
  private seen = 0;

  constructor(tellLine: (line: string) => void) {
    this.tellLine = tellLine;
  }

  say(line: string): void {
    this.tellLine(line);
  }

  complain(text: string): void {
    this.complaints.push(text);
    this.say(`! ${text}`);
  }

  /** Looks at the requests that ended since the last call: none failed, none took longer. Gives the longest. */
  judge(traffic: Traffic, kind: string, what: string, stallMsMax: number): Done | null {
    const list = traffic.done.slice(this.seen);
    this.seen = traffic.done.length;
    let longest: Done | null = null;
    for (const done of list) {
      if (longest === null || duration(done) > duration(longest)) longest = done;
      if (done.status !== 200) this.complain(`${what}: ${tell(done)}`);
    }
    if (longest === null) return null;
    if (duration(longest) > stallMsMax) this.complain(`${what}: a stall: ${tell(longest)}`);
    this.worstMs[kind] = Math.max(this.worstMs[kind] ?? 0, duration(longest));
    return longest;
  }

  /** Nothing that was acknowledged is lost, nothing is there twice, files are equal byte for byte. The users have stopped. */
  async checkData(traffic: Traffic, stateDir: string): Promise<void> {
    for (const wrong of traffic.wrongFiles) this.complain(wrong);
    const violation = checkHistory(traffic.history);
    if (violation !== null) this.complain(violationText(violation));
    const stored = await storedPosts(stateDir);
    for (const [text, id] of traffic.posted)
      if (stored.get(text)?.join() !== id)
        this.complain(`'${text}' was acknowledged as ${id} and is stored as ${stored.get(text)?.join() ?? 'nothing'}`);
    for (const [text, ids] of stored)
      if (ids.length > 1) this.complain(`'${text}' is stored ${ids.length} times: ${ids.join(', ')}`);
  }

  /** `1200 requests, 3 of them sent again, 300 posts, 20 files; worst stalls migrate 300 ms`. */
  countsText(traffic: Traffic): string {
    const again = traffic.done.filter(({ repeats }) => repeats.length > 0).length;
    return `${traffic.done.length} requests, ${again} of them sent again, ${traffic.posted.size} posts, ${traffic.files} files; worst stalls ${this.worstText}`;
  }

  get worstText(): string {
    return Object.entries(this.worstMs)
      .map(([kind, ms]) => `${kind} ${Math.round(ms)} ms`)
      .join(', ');
  }
}

export function tell(done: Done): string {
  const again = done.repeats.length === 0 ? '' : `, sent again: ${done.repeats.slice(0, 5).join('; ')}`;
  return `${done.type} ${done.status} ${Math.round(duration(done))} ms ${done.said}${again}`;
}

export function duration({ startMs, endMs }: Done): number {
  return endMs - startMs;
}
