/**
 * One connection of a user: lines in, lines out, and what bounds them. What may not live here: what a line means
 * (requests.ts), how many connections there are (user-socket.ts).
 *
 * Theory. A user may pipeline as much as he likes, but not cost as much as he likes. So a connection has room for some
 * requests and for what their answers may need; when it is used up, or when the user does not read his answers, the
 * connection is not read from, and TCP tells him to wait. Answers that get ready in one turn of the event loop are
 * written at once.
 */

import type { Socket } from 'node:net';
import { errorRest, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX } from '../../protocols/user.ts';
import { formatLine } from '../../protocols/line.ts';
import { LineSplitter } from '../core/lines.ts';
import type { Requests } from './requests.ts';

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
/** What an answer that is not a part of a file may need, bytes. */
const USUAL_ANSWER_BYTES = 4096;
const LARGE_ANSWER = 'Type: get_file_request';
const RETRY_MS = 1000;

/** What all connections of a gateway share. */
export interface Shared {
  readonly requests: Requests;
  /** How long a line may be unfinished, and a connection silent. */
  readonly limits: { readonly halfLineMs: number; readonly silenceMs: number };
  /** Called with every change of what the connection holds in memory, in bytes; false: there is no room left. */
  hold(bytes: number): boolean;
  began(): void;
  answered(): void;
  closed(connection: UserConnection): void;
}

export class UserConnection {
  readonly #socket: Socket;
  readonly #shared: Shared;
  readonly #splitter = new LineSplitter(REQUEST_BYTES_MAX - 1); // the limit counts the LF
  /** Lines that wait for room or for a token's check; read from #next on. */
  #waiting: string[] = [];
  #next = 0;
  #inFlight = 0;
  #room = 0;
  #isChecking = false;
  #isPumping = false;
  #out = '';
  #halfTimer: NodeJS.Timeout | null = null;
  #halfHeld = 0;
  #hasEnded = false;
  #isClosing = false;

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

  /** Answers what was read, then closes. */
  drain(): void {
    this.#hasEnded = true;
    this.#socket.pause();
    this.#closeWhenDone();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    if (this.#isClosing) return; // thrown away
    const isSameLine = this.#splitter.isInLine && !text.includes('\n');
    this.#splitter.feed(
      text,
      (line) => this.#take(line),
      (head) => this.#shared.requests.tooLong(head, (answer) => this.#send(answer)),
    );
    this.#holdHalf(this.#splitter.halfLength);
    if (this.#splitter.skipped > SKIPPED_MAX) return this.#refuse(413, 'the line does not end');
    this.#watchHalf(isSameLine);
  }

  #take(line: string): void {
    this.#waiting.push(line);
    if (this.#waiting.length - this.#next === 1) this.#pump();
  }

  /** Begins what may begin, in order; reads on when nothing waits. */
  #pump(): void {
    if (this.#isPumping) return; // a request that is answered at once asks for the next: the loop below has it
    this.#isPumping = true;
    while (this.#next < this.#waiting.length && this.#hasRoom()) {
      const line = this.#waiting[this.#next]!;
      this.#next += 1;
      this.#begin(line);
    }
    this.#isPumping = false;
    const isEmpty = this.#next === this.#waiting.length;
    if (isEmpty) {
      this.#waiting = [];
      this.#next = 0;
    }
    if (this.#hasEnded) return;
    if (isEmpty && this.#hasRoom()) this.#socket.resume();
    else this.#socket.pause();
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
    if (this.#next < this.#waiting.length || this.#socket.isPaused()) this.#pump();
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
    this.#shared.hold(out.length);
    this.#socket.write(out, 'latin1', () => this.#shared.hold(-out.length));
    if (!this.#isClosing) this.#goOn();
  }

  #closeWhenDone(): void {
    if (this.#inFlight === 0 && this.#next === this.#waiting.length) this.#close();
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

  #holdHalf(length: number): void {
    const grown = length - this.#halfHeld;
    this.#halfHeld = length;
    if (!this.#shared.hold(grown) && grown > 0) this.#refuse(503, 'the gateway holds too many unfinished lines');
  }

  /** A line has its time from its first character; `isSame`: it is the one that was unfinished before. */
  #watchHalf(isSame: boolean): void {
    if (!this.#splitter.isInLine) return; // the timer, if it runs, finds nothing
    if (this.#halfTimer === null) {
      this.#halfTimer = setTimeout(() => this.#halfIsOld(), this.#shared.limits.halfLineMs);
      this.#halfTimer.unref();
    } else if (!isSame) this.#halfTimer.refresh();
  }

  #halfIsOld(): void {
    if (this.#isClosing || !this.#splitter.isInLine) return;
    if (this.#socket.isPaused())
      this.#halfTimer?.refresh(); // it is us who do not read
    else this.#refuse(400, `half a line, and not its end within ${this.#shared.limits.halfLineMs / 1000} s`);
  }

  #cleanUp(): void {
    if (this.#halfTimer !== null) clearTimeout(this.#halfTimer);
    this.#holdHalf(0);
    this.#waiting = [];
    this.#next = 0;
    this.#shared.closed(this);
  }
}
