/**
 * One connection of a user: lines in, lines out, and what bounds them. What may not live here: what a line means
 * (requests.ts), how many connections there are and what they hold together (user-socket.ts), whose turn it is (turns.ts).
 *
 * Theory. A user may pipeline as much as he likes, but not cost as much as he likes. So a connection has room for some
 * requests and for what their answers may need; when it is used up, or when the user does not read his answers, the
 * connection is not read from, and TCP tells him to wait. What has arrived meanwhile waits as it came. Answers that get
 * ready in one turn of the event loop are written at once.
 */

import type { Socket } from 'node:net';
import { errorRest, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX } from '../../protocols/user.ts';
import { formatLine } from '../../protocols/line.ts';
import { LineSplitter } from '../core/lines.ts';
import type { Requests } from './requests.ts';
import { BEGUN_IN_A_ROW_MAX, type Turns, type Waiting } from './turns.ts';

/** Requests of one connection that are under way at once. */
export const IN_FLIGHT_MAX = 128;
/** Room that the requests under way may take, with what their answers may need, in bytes. */
export const ROOM_MAX = 4 * 1024 * 1024;
/** Answers that wait for the user to read; beyond it nothing more is begun for him, in bytes. */
export const UNREAD_BYTES_MAX = 1024 * 1024;
/** A line that is too long is skipped up to here; then the connection is closed, in characters. */
export const SKIPPED_MAX = 1024 * 1024;
/** How long what a closing user still sends is read and thrown away, so that he gets what was written, ms. */
export const LINGER_MS = 1000;
/** … and how much of it, in characters. */
export const LINGER_CHARS_MAX = 1024 * 1024;
/** What an answer that is not a part of a file may need, bytes. */
const USUAL_ANSWER_BYTES = 4096;
const LARGE_ANSWER = 'Type: get_file_request';
const RETRY_MS = 1000;

/** What all connections of a gateway share. */
export interface Shared {
  readonly requests: Requests;
  readonly turns: Turns;
  /** How long a line may be unfinished, and a connection silent. */
  readonly limits: { readonly halfLineMs: number; readonly silenceMs: number };
  /** Called with every change of what the connection holds in memory, in bytes; false: there is no room left. */
  hold(bytes: number): boolean;
  began(): void;
  answered(): void;
  closed(connection: UserConnection): void;
}

export class UserConnection implements Waiting {
  readonly #socket: Socket;
  readonly #shared: Shared;
  readonly #splitter = new LineSplitter(REQUEST_BYTES_MAX - 1); // the limit counts the LF
  #inFlight = 0;
  #room = 0;
  #isChecking = false;
  #isPumping = false;
  /** Its turn comes; nothing is begun before. */
  #isWaiting = false;
  #out = '';
  /** Characters of arrived text that are told to `hold`. */
  #textHeld = 0;
  #halfTimer: NodeJS.Timeout | null = null;
  /** The line for which the timer runs. */
  #halfLine = 0;
  #hasEnded = false;
  #isClosing = false;
  #thrownAway = 0;
  #movedMs = performance.now();

  constructor(socket: Socket, shared: Shared) {
    this.#socket = socket;
    this.#shared = shared;
    socket.setEncoding('latin1');
    socket.setTimeout(shared.limits.silenceMs, () => this.#close());
    socket.on('data', (text: string) => this.#read(text));
    socket.on('drain', () => this.#goOn());
    socket.on('end', () => {
      this.#hasEnded = true; // half a line is no request; what was asked is answered
      this.#closeWhenDone();
    });
    socket.on('error', () => socket.destroy()); // a user that is gone is no error of ours
    socket.on('close', () => this.#cleanUp());
  }

  /** When something last came from the user or was taken by him, ms of performance.now(). */
  get movedMs(): number {
    return this.#movedMs;
  }

  /** Nothing is under way for the user. */
  get isIdle(): boolean {
    return this.#inFlight === 0;
  }

  /** What it holds until the user does something, in bytes: text without its end, answers that he does not read. */
  get stuckBytes(): number {
    return this.#textHeld + this.#socket.writableLength;
  }

  /** Answers what was read, then closes. */
  drain(): void {
    this.#hasEnded = true;
    this.#socket.pause();
    this.#closeWhenDone();
  }

  /** Closes at once to make room for others, with a word to whoever reads. */
  leave(sentence: string): void {
    this.#isClosing = true;
    this.#send(formatLine('error_response', 0, errorRest(503, sentence, RETRY_MS)));
    this.#flush();
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  visit(): void {
    this.#isWaiting = false;
    this.#goOn();
  }

  #read(text: string): void {
    if (this.#isClosing) {
      this.#thrownAway += text.length;
      if (this.#thrownAway > LINGER_CHARS_MAX) this.#socket.destroy();
      return;
    }
    this.#movedMs = performance.now();
    this.#splitter.feed(text);
    this.#pump();
  }

  /** Begins what may begin, in order; reads on when nothing waits. */
  #pump(): void {
    // A request that is answered at once asks for the next: the loop below has it.
    if (this.#isPumping || this.#isWaiting || this.#isClosing || this.#socket.destroyed) return;
    this.#isPumping = true;
    const isAllTaken = this.#beginSome();
    this.#isPumping = false;
    this.#holdText();
    if (this.#splitter.skipped > SKIPPED_MAX) return this.#refuse(413, 'the line does not end');
    if (isAllTaken) this.#watchHalf();
    if (this.#hasEnded) return;
    if (isAllTaken && this.#hasRoom()) this.#socket.resume();
    else this.#socket.pause();
  }

  /** True when there is no whole line left. */
  #beginSome(): boolean {
    const { turns, requests } = this.#shared;
    for (let row = 0; this.#hasRoom(); row += 1) {
      if (this.#splitter.hasMore && (row === BEGUN_IN_A_ROW_MAX || !turns.isOpen)) {
        this.#isWaiting = true;
        turns.wait(this);
        return false;
      }
      const line = this.#splitter.next();
      if (line === null) return true;
      turns.count();
      if (typeof line === 'string') this.#begin(line);
      else requests.tooLong(line.head, (answer) => this.#send(answer));
    }
    return !this.#splitter.hasMore;
  }

  #begin(line: string): void {
    const needs = line.length + (line.startsWith(LARGE_ANSWER) ? RESPONSE_BYTES_MAX : USUAL_ANSWER_BYTES);
    this.#inFlight += 1;
    this.#room += needs;
    this.#shared.began();
    let isAnswered = false;
    const answered = (answer: string): void => {
      if (isAnswered) return;
      isAnswered = true;
      this.#inFlight -= 1;
      this.#room -= needs;
      this.#shared.hold(-needs);
      this.#shared.answered();
      this.#send(answer);
      this.#goOn();
    };
    if (!this.#shared.hold(needs)) {
      const rest = errorRest(503, 'the gateway has too much to do just now; try again', RETRY_MS);
      this.#shared.requests.refuse(line, rest, answered);
      return;
    }
    const checking = this.#shared.requests.handle(line, answered);
    if (checking === null) return;
    this.#isChecking = true;
    void checking.finally(() => {
      this.#isChecking = false;
      this.#goOn();
    });
  }

  /** To be called when there may be room again. */
  #goOn(): void {
    if (this.#splitter.hasMore || this.#socket.isPaused()) this.#pump();
    if (this.#hasEnded) this.#closeWhenDone();
  }

  #hasRoom(): boolean {
    return (
      !this.#isChecking &&
      this.#inFlight < IN_FLIGHT_MAX &&
      this.#room < ROOM_MAX &&
      this.#socket.writableLength + this.#out.length < UNREAD_BYTES_MAX
    );
  }

  #send(line: string): void {
    if (!this.#socket.writable) return;
    if (this.#out === '') process.nextTick(() => this.#flush());
    this.#out += line + '\n';
  }

  #flush(): void {
    const out = this.#out;
    this.#out = '';
    if (out === '' || !this.#socket.writable) return;
    this.#socket.write(out, 'latin1', () => {
      this.#movedMs = performance.now();
      this.#shared.hold(-out.length);
    });
    this.#shared.hold(out.length); // which may end this connection
    if (!this.#isClosing) this.#goOn();
  }

  #closeWhenDone(): void {
    if (this.#inFlight === 0 && !this.#splitter.hasMore) this.#close();
  }

  /** Writes what is there and closes; reads on for a moment, since closing with unread bytes would take it away again. */
  #close(): void {
    if (this.#isClosing || this.#socket.destroyed) return;
    this.#isClosing = true;
    this.#flush();
    this.#socket.end();
    this.#socket.resume();
    const linger = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(linger));
  }

  #refuse(status: 400 | 413 | 503, sentence: string): void {
    this.#send(formatLine('error_response', 0, errorRest(status, sentence, status === 503 ? RETRY_MS : undefined)));
    this.#close();
  }

  #holdText(): void {
    const grown = this.#splitter.heldLength - this.#textHeld;
    this.#textHeld += grown;
    if (grown !== 0) this.#shared.hold(grown); // too much ends whoever holds most for longest
  }

  /** A line has its time from its first character, or from when we were ready to look at it. */
  #watchHalf(): void {
    if (!this.#splitter.isInLine) return; // the timer, if it runs, finds nothing
    const { lines } = this.#splitter;
    if (this.#halfTimer === null) {
      this.#halfTimer = setTimeout(() => this.#halfIsOld(), this.#shared.limits.halfLineMs);
      this.#halfTimer.unref();
    } else if (lines !== this.#halfLine) this.#halfTimer.refresh();
    this.#halfLine = lines;
  }

  #halfIsOld(): void {
    if (this.#isClosing || !this.#splitter.isInLine) return;
    if (this.#socket.isPaused())
      this.#halfTimer?.refresh(); // it is us who do not read
    else this.#refuse(400, `half a line, and not its end within ${this.#shared.limits.halfLineMs / 1000} s`);
  }

  #cleanUp(): void {
    if (this.#halfTimer !== null) clearTimeout(this.#halfTimer);
    this.#shared.hold(-this.#textHeld);
    this.#textHeld = 0;
    this.#shared.closed(this);
  }
}
