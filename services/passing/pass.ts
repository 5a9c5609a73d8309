/**
 * Passing on: a service in the middle sends a request that it has looked at to the next one and gives the answer back,
 * both as the slices of text that they are. What may not live here: a look at either.
 *
 * Theory. Answers have one shape on every edge (protocols/answer.ts), so an answer passes through any number of services
 * without being read; and a failed request becomes an answer of that shape at the first service that sees the failure,
 * after which nobody further up has to know what a plug is.
 */

import type { Answer, Plug, PlugError, RequestOptions } from '../kit/service.ts';
import { responseTypeOf } from '../protocols/line.ts';
import { errorRest } from '../protocols/user.ts';

/** Sends `rest` as a request of `type` over `plug`; answers `request` with what comes back. */
export function passOn(
  plug: Plug,
  type: string,
  rest: string,
  request: { readonly type: string },
  answer: Answer,
  options?: RequestOptions,
): void {
  plug.forward(
    type,
    rest,
    (response, error) => answer(responseTypeOf(request.type), response === null ? failedRest(error) : response.rest),
    options,
  );
}

/** The answer for a request that a plug could not bring to an end: 503 or 504, Line_4 in how many ms to try again. */
export function failedRest(error: PlugError | null): string {
  if (error === null) return errorRest(500, 'a plug answered neither with a response nor with an error');
  const sentence =
    error.status === 504
      ? 'a service that is needed for this did not answer in time; it may have taken effect'
      : 'a service that is needed for this cannot be reached just now; try again';
  return errorRest(error.status, sentence, error.retryAfterMs);
}

/** The answer to a request that cannot be read, or that this socket does not know. */
export function unreadableRest(why: string): string {
  return errorRest(400, why);
}

/** A sentence for a request of a type that the socket does not know. */
export function unknownType(type: string, known: readonly string[]): string {
  return unreadableRest(`unknown Type '${type.slice(0, 64)}'; the requests here are ${known.join(', ')}`);
}
