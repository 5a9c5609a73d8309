/**
 * Where the front takes faults: HTTP on loopback, on a port of the system's choice that cluster.json names.
 *
 * Lives here: who may ask (the operator token), reading a request, answers. Does not live here: faults (fault-keeper.ts).
 */
import { timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { frontRequest } from '../../faults/core/fault.ts';
import { OperatorError } from '../core/exit-code.ts';
import type { FaultKeeper } from './fault-keeper.ts';
import { stateFiles } from './settings.ts';

export const FRONT_ADDRESS = '127.0.0.1';
export const FRONT_PATH = '/v1/faults';
const BODY_BYTES_MAX = 64 * 1024;
const HEAD_MS = 5000;

export class FrontPort {
  readonly #keeper: FaultKeeper;
  readonly #stateDir: string;
  readonly #server: Server;

  constructor(keeper: FaultKeeper, stateDir: string) {
    this.#keeper = keeper;
    this.#stateDir = stateDir;
    this.#server = createServer({ headersTimeout: HEAD_MS, requestTimeout: HEAD_MS }, (request, response) => {
      this.#answer(request).then(
        (value) => reply(response, 200, value),
        (error: unknown) => {
          const isExpected = error instanceof OperatorError;
          reply(response, isExpected ? (error.status ?? 409) : 500, { message: (error as Error).message });
        },
      );
    });
  }

  /** Rejects when no port can be had. */
  listen(): Promise<{ readonly address: string; readonly port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: FRONT_ADDRESS, port: 0 }, () => {
        resolve({ address: FRONT_ADDRESS, port: (this.#server.address() as AddressInfo).port });
      });
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage): Promise<unknown> {
    if (!this.#isAuthorized(request)) throw new OperatorError(1, 'expected the operator token', 401);
    if (request.url !== FRONT_PATH)
      throw new OperatorError(1, `no path ${request.url ?? ''}; there is ${FRONT_PATH}`, 404);
    if (request.method === 'GET') return this.#keeper.list();
    const asked = frontRequest.safeParse(JSON.parse(await bodyOf(request)));
    if (!asked.success) throw new OperatorError(1, `no such request: ${asked.error.issues[0]?.message ?? ''}`, 400);
    switch (asked.data.do) {
      case 'fault':
        return await this.#keeper.start(asked.data.fault);
      case 'undo': {
        const record = await this.#keeper.undo(asked.data.id);
        return record === null ? [] : [record];
      }
      case 'undo-all':
        return await this.#keeper.undoAll();
      case 'decide':
        return await this.#keeper.decide(asked.data.id, asked.data.decision);
    }
  }

  #isAuthorized({ headers }: IncomingMessage): boolean {
    const sent = Buffer.from(headers.authorization ?? '');
    const expected = Buffer.from(`Bearer ${readFileSync(stateFiles.token(this.#stateDir), 'utf8').trim()}`);
    return sent.length === expected.length && timingSafeEqual(sent, expected);
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > BODY_BYTES_MAX) throw new OperatorError(1, `longer than ${BODY_BYTES_MAX} bytes`, 413);
  }
  return text === '' ? 'null' : text;
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(`${JSON.stringify(value)}\n`);
}
