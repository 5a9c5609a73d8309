/**
 * Who may begin requests now, and who has to wait for one of the next turns of the event loop. What may not live here:
 * what a request costs in memory (user-socket.ts), how many a connection may have under way (user-connection.ts).
 *
 * Theory. A gateway has one thread. A line that is answered at once costs microseconds, but thirty thousand fit into what
 * arrives in one piece, and hundreds of users may send such pieces: all of them in one go, and nobody else is served for
 * seconds, nor is the Manager's question whether this gateway is alive, and so it is killed. So a turn begins a bounded
 * number of requests, a connection a few in a row, and who has more to ask waits in a line with the others.
 */

/** Requests that all connections together begin in one turn of the event loop. */
export const BEGUN_PER_TURN_MAX = 512;
/** Requests that one connection begins in a row while others wait. */
export const BEGUN_IN_A_ROW_MAX = 64;

/** Somebody who has more to begin. */
export interface Waiting {
  /** It is its turn. */
  visit(): void;
}

export class Turns {
  #left = BEGUN_PER_TURN_MAX;
  #isNextDue = false;
  #waiting: Waiting[] = [];

  /** May another request begin in this turn? */
  get isOpen(): boolean {
    return this.#left > 0;
  }

  /** Counts a request that begins. */
  count(): void {
    this.#left -= 1;
    this.#nextTurn();
  }

  /** Visits it in one of the next turns, after those who wait already. Not to be called again before. */
  wait(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#nextTurn();
  }

  #nextTurn(): void {
    if (this.#isNextDue) return;
    this.#isNextDue = true;
    setImmediate(() => {
      this.#isNextDue = false;
      this.#left = BEGUN_PER_TURN_MAX;
      const waiting = this.#waiting;
      this.#waiting = [];
      let next = 0;
      for (; next < waiting.length && this.isOpen; next += 1) waiting[next]!.visit();
      // Who was not visited waits in front of those who have had a turn just now.
      if (next < waiting.length) {
        this.#waiting = waiting.slice(next).concat(this.#waiting);
        this.#nextTurn();
      }
    });
  }
}
