/**
 * From one line of a user to the line that answers it. What may not live here: connections (user-connection.ts), how a
 * request is read and where it goes (core/, protocols/user.ts).
 *
 * Theory. A gateway adds three things to a request and keeps none of them: who the user is, an operation id where there
 * is none, and which plug it goes over. It answers by itself only what is not worth a service's time: what cannot be
 * read, what no token allows, what is beyond a limit. An answer comes back in the shape in which the user gets it and
 * is not looked at, but for the one that says that a logout succeeded.
 */

import type { ServiceContext } from '../../kit/service.ts';
import { failedRest } from '../../passing/pass.ts';
import { statusOf } from '../../protocols/answer.ts';
import { formatLine, isLineError, parseLine, responseTypeOf, type LineMessage } from '../../protocols/line.ts';
import { gatewayOperationId } from '../../protocols/operation-id.ts';
import type { TokenClaims } from '../../protocols/token.ts';
import {
  checkUserRequest,
  errorRest,
  isUserProblem,
  parseUserRequest,
  problemRest,
  REQUEST_BYTES_MAX,
  type ParsedUserRequest,
} from '../../protocols/user.ts';
import { readChunk, type ChunkRequest } from '../core/chunk.ts';
import { routeChunk, routeOpen, routeOwn, type EdgeRequest } from '../core/route.ts';
import { Tokens, type Verdict } from './tokens.ts';

/** Takes the line that answers a request, without LF; called once. */
export type Send = (line: string) => void;

const CHUNK = 'send_file_chunk_request';
/** What a request is told for whose token nothing trusted could be had, ms. */
const UNTRUSTED_RETRY_MS = 500;

export class Requests {
  readonly #context: ServiceContext;
  readonly #tokens: Tokens;
  #operations = 0;

  constructor(context: ServiceContext) {
    this.#context = context;
    this.#tokens = new Tokens(context.plug('login-plug'), () => context.now());
  }

  /**
   * Answers one line, now or later. Null: it is on its way. A promise: nothing is known of its token yet; the
   * connection's next lines must wait for it, so that what they change is changed in their order. Never rejects.
   */
  handle(line: string, send: Send): Promise<void> | null {
    const message = parseLine(line);
    if (isLineError(message)) {
      send(formatLine(responseTypeOf(message.type), message.id, errorRest(400, message.error)));
      return null;
    }
    const answer = (rest: string): void => send(formatLine(responseTypeOf(message.type), message.id, rest));
    const chunk = message.type === CHUNK ? readChunk(message.rest) : null;
    if (chunk !== null) {
      const forward = (claims: TokenClaims): void => this.#forward(routeChunk(chunk, claims.user), answer);
      return this.#withToken(chunk, answer, forward);
    }
    return this.#handleParsed(message, answer);
  }

  /** The answer to a line that is too long; `head` is its beginning. */
  tooLong(head: string, send: Send): void {
    const { type, id } = parseLine(head);
    send(formatLine(responseTypeOf(type), id, errorRest(413, `a request has at most ${REQUEST_BYTES_MAX} bytes`)));
  }

  /** Answers a line with `rest`, whatever it asks for. */
  refuse(line: string, rest: string, send: Send): void {
    const { type, id } = parseLine(line);
    send(formatLine(responseTypeOf(type), id, rest));
  }

  #handleParsed(message: LineMessage, answer: (rest: string) => void): Promise<void> | null {
    const request = parseUserRequest(message);
    if (isUserProblem(request)) {
      answer(problemRest(request));
      return null;
    }
    const operationId = request.operationId ?? this.#newOperationId();
    if (request.name === 'registration_request' || request.name === 'login_request') {
      if (this.#isWithinLimits(request, answer)) this.#forward(routeOpen(request, operationId), answer);
      if (request.name === 'login_request') void this.#tokens.ready(); // the next request will come with a token
      return null;
    }
    const { fields } = request;
    return this.#withToken(
      fields,
      answer,
      (claims) => {
        if (!this.#isWithinLimits(request, answer)) return;
        this.#forward(routeOwn(request, claims, operationId), (rest) => {
          if (request.name === 'logout_request' && statusOf(rest) === 200) this.#tokens.loggedOut(claims);
          answer(rest);
        });
      },
      request.name === 'logout_request',
    );
  }

  #isWithinLimits(request: ParsedUserRequest, answer: (rest: string) => void): boolean {
    const wrong = checkUserRequest(request);
    if (wrong !== null) answer(problemRest(wrong));
    return wrong === null;
  }

  #withToken(
    request: Pick<ChunkRequest, 'token'>,
    answer: (rest: string) => void,
    act: (claims: TokenClaims) => void,
    isLogout = false,
  ): Promise<void> | null {
    const check = (): Verdict => {
      return isLogout ? this.#tokens.checkSigned(request.token) : this.#tokens.check(request.token);
    };
    const settle = (verdict: Verdict): void => {
      if (verdict === null) answer(errorRest(503, 'tokens cannot be checked just now; try again', UNTRUSTED_RETRY_MS));
      else if (typeof verdict === 'string') answer(verdict);
      else act(verdict);
    };
    const verdict = check();
    if (verdict !== null) {
      settle(verdict);
      return null;
    }
    return this.#tokens.ready().then((refusal) => settle(refusal ?? check()));
  }

  #forward(request: EdgeRequest, answer: (rest: string) => void): void {
    this.#context
      .plug(request.plug)
      .forward(
        request.type,
        request.rest,
        (response, error) => answer(response === null ? failedRest(error) : response.rest),
        request,
      );
  }

  /** Instances are numbered and numbers are not given twice, so nobody else makes this id. */
  #newOperationId(): string {
    this.#operations += 1;
    return gatewayOperationId(`${this.#context.instanceId}.${this.#operations}`);
  }
}
