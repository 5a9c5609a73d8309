/**
 * What the commands of one run share: options, the connection (opened when the first command needs it, kept for the
 * next), the token file, asking. What commands do is in commands.ts.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, REQUEST_BYTES_MAX } from '../../services/protocols/user.ts';
import type { UserClient } from '../user-client.ts';
import { connect } from '../client.ts';
import { CommandFailure, EXIT, usageFailure } from '../core/exit.ts';
import type { GatewayChoice, GatewaySources } from '../core/gateways.ts';
import { chooseDns, chooseGateways, formatGateway } from '../core/gateways.ts';
import { visible } from '../core/visible.ts';
import type { GatewayFinder } from './finder.ts';
import { finderOf } from './finder.ts';
import type { Io } from './io.ts';
import { ClientClosed, GatewayNotReached } from './link.ts';
import type { Printer } from './print.ts';
import { Asker, readAll } from './prompt.ts';
import type { Login } from './token-file.ts';
import { readLogin, tokenPath } from './token-file.ts';

export const STATE_FOLDER = '.ssmmp';
export const CLUSTER_FILE = 'cluster.json';
const NEW_PASSWORD = `Password (${PASSWORD_CHARS_MIN} to ${PASSWORD_CHARS_MAX} characters): `;

export interface GlobalOptions {
  readonly gateway: string | null;
  readonly dns: string | null;
  readonly tokenFile: string | null;
}

export class Context {
  readonly io: Io;
  readonly options: GlobalOptions;
  /** Of the command that runs. */
  printer: Printer;
  /** The shell's; else made when something is asked. */
  asker: Asker | null = null;
  #client: UserClient | null = null;
  #interrupt = new AbortController();

  constructor(io: Io, options: GlobalOptions, printer: Printer) {
    this.io = io;
    this.options = options;
    this.printer = printer;
  }

  get tokenPath(): string {
    return tokenPath(this.options.tokenFile, this.io);
  }

  /** The connection; fails with exit code 3 when no gateway takes it. */
  async client(): Promise<UserClient> {
    if (this.#client !== null) return this.#client;
    // What was asked for before Ctrl-C may come to its end with it, as a pipe does: it is sent no more.
    if (this.isInterrupted) throw new ClientClosed();
    const choice = this.#gateways();
    let hasTalked = false;
    try {
      this.#client = await connect(this.#finder(choice), {
        onTrouble: (sentence) => {
          if (!hasTalked) this.printer.talk(visible(sentence));
          hasTalked = true; // once is enough: it is tried several times a second
        },
        signal: this.#interrupt.signal,
      });
    } catch (error) {
      if (!(error instanceof GatewayNotReached)) throw error;
      const list = choice.gateways.map(formatGateway).join(', ');
      throw new CommandFailure(EXIT.gatewayNotReached, 0, error.message, {
        hint: `looked at ${list} (${choice.from}). Start a cluster with npm start, or name a gateway with --gateway`,
      });
    }
    return this.#client;
  }

  /** The login that is kept; fails with exit code 4. */
  login(): Login {
    return readLogin(this.tokenPath, (sentence) => this.printer.talk(sentence));
  }

  /** A password, from stdin when `fromStdin`, else asked for without echo; twice when it is a new one. */
  async password(fromStdin: boolean, isNew: boolean): Promise<string> {
    if (fromStdin) {
      const text = await readAll(this.io, REQUEST_BYTES_MAX, this.signal);
      const line = text?.split(/\r?\n/, 1)[0] ?? '';
      if (line === '') throw usageFailure('--password-stdin: stdin holds no password in its first line');
      return line;
    }
    if (this.asker === null && !this.io.stdin.isTTY) {
      throw usageFailure('stdin is no terminal to ask for the password on', 'use --password-stdin');
    }
    return this.#withAsker(async (asker) => {
      const password = await asker.askHidden(isNew && asker.isTerminal ? NEW_PASSWORD : 'Password: ');
      if (password === null || password === '') throw usageFailure('no password was given');
      if (!isNew || !asker.isTerminal) return password;
      if ((await asker.askHidden('Password again: ')) !== password) throw usageFailure('the passwords differ');
      return password;
    });
  }

  /** An argument that was left out, asked for where somebody can answer. */
  async argument(given: string | null, ask: string, name: string): Promise<string> {
    if (given !== null && given !== '') return given;
    const answer = this.asker === null ? null : await this.asker.ask(ask);
    if (answer === null || answer === '') throw usageFailure(`${name} is missing`);
    return answer;
  }

  /** Ctrl-C: what runs ends, with ClientClosed where it waits for a gateway. */
  interrupt(): void {
    this.#interrupt.abort();
    this.close();
  }

  /** Aborted by Ctrl-C; of the command that runs. */
  get signal(): AbortSignal {
    return this.#interrupt.signal;
  }

  get isInterrupted(): boolean {
    return this.#interrupt.signal.aborted;
  }

  /** Before the next command of the shell. */
  clearInterrupt(): void {
    if (this.isInterrupted) this.#interrupt = new AbortController();
  }

  close(): void {
    this.#client?.close();
    this.#client = null;
  }

  async #withAsker<T>(use: (asker: Asker) => Promise<T>): Promise<T> {
    if (this.asker !== null) return use(this.asker);
    const asker = new Asker(this.io);
    try {
      return await use(asker);
    } finally {
      asker.close();
    }
  }

  #gateways(): GatewayChoice {
    const choice = chooseGateways(this.#sources());
    if (typeof choice === 'string') throw usageFailure(choice);
    return choice;
  }

  /** A long run sees gateways come and go: the cluster's file is read again for every connection. */
  #finder(choice: GatewayChoice): GatewayFinder {
    const { flag, environment, cluster } = this.#sources();
    if (this.options.dns !== null && flag === null && (environment ?? '') === '') {
      throw usageFailure(
        '--dns says where names are looked up, and no name was given',
        'name the alias too, as in --gateway gateway.social-media.test',
      );
    }
    const dns = chooseDns({ flag: this.options.dns, environment: this.io.env['CNAPP_DNS'] ?? null, cluster });
    if (typeof dns === 'string') throw usageFailure(dns);
    if (dns !== null && isIP(dns.address) === 0) throw usageFailure(`the DNS '${dns.address}' is no address`);
    return finderOf(() => {
      const again = chooseGateways(this.#sources());
      return typeof again !== 'string' && again.from === choice.from ? again.gateways : choice.gateways;
    }, dns);
  }

  #sources(): GatewaySources {
    return {
      flag: this.options.gateway,
      environment: this.io.env['CNAPP_GATEWAY'] ?? null,
      cluster: this.#cluster(),
    };
  }

  #cluster(): GatewaySources['cluster'] {
    const state = this.io.env['SSMMP_STATE_DIR'] ?? '';
    const path = join(resolve(this.io.cwd, state === '' ? STATE_FOLDER : state), CLUSTER_FILE);
    try {
      return { path, text: readFileSync(path, 'utf8') };
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
      throw error;
    }
  }
}
