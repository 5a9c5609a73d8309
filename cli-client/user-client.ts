/**
 * What a program sees of a client of the gateway. How one comes about is client.ts, how it works shell/link.ts.
 */
import type { UserAnswer, UserRequestFields, UserRequestName } from '../services/protocols/user.ts';

export interface RequestOptions {
  /** Of a changing request; a random one is made when it is left out. */
  readonly operationId?: string;
  /** False: a 503 or 504 is given back at once instead of being waited out. */
  readonly repeatsBusy?: boolean;
}

export interface UserClient {
  /**
   * Sends a request and gives its answer, also when that is an error (`ok: false`). Rejects with GatewayNotReached when
   * no gateway answered within the deadlines, with ClientClosed after close().
   */
  request<N extends UserRequestName>(
    name: N,
    fields: UserRequestFields[N],
    options?: RequestOptions,
  ): Promise<UserAnswer<N>>;
  /** Ends the connection; what is under way rejects. */
  close(): void;
}
