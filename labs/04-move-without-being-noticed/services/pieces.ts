/**
 * pieces-plug to pieces-socket: what a service asks piece-store, a BaaS of this lab. Both sides, and the client that services use.
 *
 * A piece is bytes under a name; bytes are only ever added at its end.
 *
 *     open_request    Name, About        makes an empty piece where there is none. 200, Line_3 how many bytes it has
 *     append_request  Name, At, Data     adds bytes if the piece has exactly At of them, or whatever it has where At is `any`
 *                                        200, Line_3 how many it has now, on disk · 404 no such piece
 *                                        409 it has another length; Line_4 which. Nothing was added
 *     look_request    Name               200, Line_3 how many bytes, Line_4 their SHA-256, Line_5 About · 404
 *     read_request    Name, Offset, Most 200, Line_3 bytes in base64 · 404
 *     link_request    Name, As           from now on the name As means this piece (too). 200 · 404
 *     drop_request    Name               this name means nothing any more. 200, also where it meant nothing before
 *     names_request   Prefix             200, a line for each name that begins so: name, how many bytes, when made
 *
 * Data is base64. `open`, `link` and `drop` may be sent twice: the second time changes nothing. An `append` may not.
 */
import { PlugError } from '../../../services/kit/service.ts';
import type { LineMessage, Plug, Reply } from '../../../services/kit/service.ts';
import { failedRest } from '../../../services/passing/pass.ts';
import { readAnswer } from '../../../services/protocols/answer.ts';
import type { Answer } from '../../../services/protocols/answer.ts';
import { decodePart, encodePart, responseTypeOf, restOf, splitParts } from '../../../services/protocols/line.ts';

export const OPEN_REQUEST = 'open_request';
export const APPEND_REQUEST = 'append_request';
export const LOOK_REQUEST = 'look_request';
export const READ_REQUEST = 'read_request';
export const LINK_REQUEST = 'link_request';
export const DROP_REQUEST = 'drop_request';
export const NAMES_REQUEST = 'names_request';

export interface Appended {
  /** Whether this request added its bytes. */
  readonly added: boolean;
  /** How many bytes the piece has now. */
  readonly length: number;
}

export interface Piece {
  readonly length: number;
  readonly sha256: string;
  /** What whoever opened it first said about it. */
  readonly about: string;
}

export interface Named {
  readonly name: string;
  readonly length: number;
  readonly time: string;
}

/** piece-store answered something that has no place in a result, such as 503; `rest` is its answer, fit for the user. */
export class StoreRefusal extends Error {
  readonly rest: string;
  constructor(rest: string) {
    super(`piece-store refused: ${rest}`);
    this.rest = rest;
  }
}

/** How many bytes a base64 text stands for. */
export function bytesIn(data: string): number {
  return Math.floor((data.replace(/=+$/, '').length * 3) / 4);
}

/** Asks piece-store. All that concerns one name is done in the order in which it was asked. Rejects with StoreRefusal or PlugError. */
export class Pieces {
  readonly #plug: Plug;

  constructor(plug: Plug) {
    this.#plug = plug;
  }

  /** How many bytes the piece has; makes an empty one where there is none. */
  async open(name: string, about: string): Promise<number> {
    const { lines } = await this.#must(OPEN_REQUEST, name, [['About', encodePart(about)]]);
    return Number(lines[0]);
  }

  /** Null: there is no such piece. */
  async append(name: string, at: number | 'any', data: string): Promise<Appended | null> {
    const more = [
      ['At', String(at)],
      ['Data', data],
    ] as const;
    const { status, lines } = await this.#ask(APPEND_REQUEST, name, more, [200, 404, 409]);
    if (status === 404) return null;
    return { added: status === 200, length: Number(lines[status === 200 ? 0 : 1]) };
  }

  /** Null: there is no such piece. */
  async look(name: string): Promise<Piece | null> {
    const { status, lines } = await this.#ask(LOOK_REQUEST, name, [], [200, 404]);
    const [length = '0', sha256 = '', about = ''] = lines;
    return status === 404 ? null : { length: Number(length), sha256, about: decodePart(about) ?? '' };
  }

  /** Bytes in base64; fewer than asked for where the piece ends. */
  async read(name: string, offset: number, mostBytes: number): Promise<string> {
    const more = [
      ['Offset', String(offset)],
      ['Most', String(mostBytes)],
    ] as const;
    return (await this.#must(READ_REQUEST, name, more)).lines[0] ?? '';
  }

  async link(name: string, as: string): Promise<void> {
    await this.#must(LINK_REQUEST, name, [['As', encodePart(as)]]);
  }

  async drop(name: string): Promise<void> {
    await this.#must(DROP_REQUEST, name, []);
  }

  /** All names that begin so. */
  async names(prefix: string): Promise<Named[]> {
    const { rest } = await this.#plug.request(NAMES_REQUEST, restOf([['Prefix', encodePart(prefix)]]));
    const answer = readAnswer(rest);
    if (answer.status !== 200) throw new StoreRefusal(rest);
    return answer.lines.map((line) => {
      const [name = '', length = '0', time = ''] = splitParts(line) ?? [];
      return { name, length: Number(length), time };
    });
  }

  #must(type: string, name: string, more: readonly (readonly [string, string])[]): Promise<Answer> {
    return this.#ask(type, name, more, [200]);
  }

  async #ask(
    type: string,
    name: string,
    more: readonly (readonly [string, string])[],
    expected: readonly number[],
  ): Promise<Answer> {
    const { rest } = await this.#plug.request(type, restOf([['Name', encodePart(name)], ...more]), { affinity: name });
    const answer = readAnswer(rest);
    if (!expected.includes(answer.status)) throw new StoreRefusal(rest);
    return answer;
  }
}

/** A handler from a function that gives the rest of an answer: what piece-store refused, or could not be asked, is answered so. */
export function answering(
  answerTo: (type: string, rest: string) => Promise<string>,
): (request: LineMessage) => Promise<Reply> {
  return async ({ type, rest }) => {
    const reply = (text: string): Reply => ({ type: responseTypeOf(type), rest: text });
    try {
      return reply(await answerTo(type, rest));
    } catch (error) {
      if (error instanceof StoreRefusal) return reply(error.rest);
      if (error instanceof PlugError) return reply(failedRest(error));
      throw error;
    }
  };
}
