/**
 * Answers of the operator port.
 *
 * Lives here: JSON, errors as `{status, message, data}`, long lists with back-pressure, bodies with a limit. Does not
 * live here: which path answers what (operator-routes.ts).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Longest body of a request: a graph file of FILE_CHARACTERS_MAX with its line ends escaped. */
export const BODY_BYTES_MAX = 2 * 1024 * 1024;
const JSON_TYPE = 'application/json; charset=utf-8';

/** An error as operators get it. `message` says what was sent, what was expected. */
export interface ErrorBody {
  readonly status: number;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export function errorBody(status: number, message: string, data: ErrorBody['data'] = {}): ErrorBody {
  return { status, message, data };
}

export function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  sendText(response, status, JSON_TYPE, `${JSON.stringify(body)}\n`);
}

export function sendError(response: ServerResponse, { status, message, data }: ErrorBody): void {
  if (status === 401) response.setHeader('www-authenticate', 'Bearer');
  sendJson(response, status, { status, message, data });
}

/** A JSON array, item by item, as fast as the client reads, at most `limit`. */
export async function sendList(response: ServerResponse, items: AsyncIterable<unknown>, limit: number): Promise<void> {
  response.writeHead(200, { 'content-type': JSON_TYPE, 'cache-control': 'no-store' });
  let count = 0;
  let text = '[';
  for await (const item of items) {
    if (count >= limit) break;
    text += `${count === 0 ? '' : ','}\n${JSON.stringify(item)}`;
    count += 1;
    if (text.length < 16 * 1024) continue;
    if (!response.write(text)) await drained(response);
    text = '';
    if (response.destroyed) return;
  }
  response.end(`${text}\n]\n`);
}

/** The whole body as text; null when it is longer than BODY_BYTES_MAX (the rest is left unread: close the connection). */
export function readBody(request: IncomingMessage): Promise<string | null> {
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) return Promise.resolve(null);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) return chunks.push(chunk);
      // Not destroyed: the answer still has to leave on the same socket.
      request.pause();
      resolve(null);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
  });
}

/** Resolves when more can be written, or nothing ever will be. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.on('drain', go);
    response.on('close', go);
    if (response.destroyed) go();
  });
}
