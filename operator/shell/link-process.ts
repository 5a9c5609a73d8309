/**
 * The link process in the front's hands: started when the first fault of a link is asked for, ended with the front.
 *
 * Lives here: starting it, orders and their answers. Does not live here: which links there are (fault-links.ts), the
 * proxies themselves (faults/).
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { LinkOrder, LinkWord } from '../../faults/core/link-words.ts';
import { startTimeOf } from '../../ssmmp/shell/process-identity.ts';
import type { ProcessIdentity } from '../../ssmmp/shell/process-identity.ts';
import { distFile } from './dist-folder.ts';

export interface LinkProcessEvents {
  held(id: string, link: string, line: string): void;
  done(id: string, decision: string): void;
  ended(how: string): void;
}

export class LinkProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: number): void; reject(error: Error): void }>();
  readonly identity: ProcessIdentity;
  #seq = 0;
  #isEnded = false;

  /** `prefix`: what comes before Node, such as a command that enters a network namespace. Throws where none can be started. */
  constructor(prefix: readonly string[], seed: number, events: LinkProcessEvents) {
    const [program = '', ...args] = [...prefix, process.execPath, distFile('link.js'), String(seed)];
    // a group of its own: a Ctrl-C at the terminal reaches the front alone
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    this.#child = child;
    const pid = child.pid ?? 0;
    this.identity = { pid, startTime: startTimeOf(pid) };
    child.on('message', (word: LinkWord) => {
      switch (word.say) {
        case 'answer':
          this.#waiting.get(word.seq)?.resolve(word.value);
          this.#waiting.delete(word.seq);
          break;
        case 'refused':
          this.#waiting.get(word.seq)?.reject(new Error(word.why));
          this.#waiting.delete(word.seq);
          break;
        case 'held':
          events.held(word.id, word.link, word.line);
          break;
        case 'done':
          events.done(word.id, word.decision);
          break;
      }
    });
    const ended = (how: string): void => {
      if (this.#isEnded) return;
      this.#isEnded = true;
      for (const { reject } of this.#waiting.values()) reject(new Error(`the link process ended (${how})`));
      this.#waiting.clear();
      events.ended(how);
    };
    child.once('error', (error) => ended(error.message));
    child.once('exit', (code, signal) => ended(signal === null ? `exit code ${code}` : `signal ${signal}`));
  }

  get isRunning(): boolean {
    return !this.#isEnded;
  }

  /** Resolves with the answer; rejects with a sentence. */
  order(order: LinkOrder): Promise<number> {
    if (this.#isEnded) return Promise.reject(new Error('the link process has ended'));
    this.#seq += 1;
    const seq = this.#seq;
    return new Promise((resolve, reject) => {
      this.#waiting.set(seq, { resolve, reject });
      this.#child.send({ seq, order });
    });
  }

  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
