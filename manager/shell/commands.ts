/**
 * Commands of operators: from a body to an input of the core, and its reply back.
 *
 * Lives here: the shape of a body, and who waits for which reply. Does not live here: what a command does (the core),
 * HTTP.
 */
import { z } from 'zod';
import type { Graph, GraphPolicies } from '../../ssmmp/core/graph.ts';
import { parseGraph } from '../../ssmmp/core/graph-parse.ts';
import { formatProblem } from '../../ssmmp/core/located-yaml.ts';
import { POLICY_CODE_MAX, POLICY_KINDS, type PolicyKind } from '../../ssmmp/core/policy.ts';
import type { Unstamped } from '../../ssmmp/shell/driver.ts';
import type { Command, ManagerInput } from '../core/inputs.ts';
import { errorBody, type ErrorBody } from './http-replies.ts';

/** Characters of a wrong body that its error shows. */
const SENT_SHOWN_MAX = 500;
/** Commands that may wait for their reply at one time. */
export const COMMANDS_MAX = 256;
/** A reply comes within this time, or 504: the command goes on, only nobody waits for it any more. */
export const COMMAND_MS = 60_000;

/** Longest name of a graph file. */
const FILE_NAME_MAX = 1024;

/** `apply` comes as the text of a file; the core gets the graph that was read from it. */
interface ApplyBody {
  readonly command: 'apply';
  readonly file: string;
  readonly text: string;
  /** Compiled code of the policies that the graph names as files, by the names it uses. */
  readonly policies: Readonly<Record<string, string>>;
  readonly dry_run: boolean;
}

/** The bodies of POST /v1/commands, as an error shows them. */
const EXPECTED = [
  { command: 'stop', instance: '5 or post/5', hard: false },
  { command: 'scale', service: 'post', replicas: 3, dry_run: false },
  { command: 'migrate', instance: '5 or post/5', to: '2 or 127.0.0.12 or null', dry_run: false },
  { command: 'drain', node: '2 or 127.0.0.12', dry_run: false },
  { command: 'uncordon', node: '2 or 127.0.0.12' },
  { command: 'confirm-lost', node: '2 or 127.0.0.12 or null' },
  { command: 'apply', file: 'cnapp.yaml', text: 'the text of the file', policies: {}, dry_run: false },
  { command: 'shutdown' },
];

const instance = z.union([z.string(), z.number().int().positive().transform(String)], {
  error: "an instance: its id, or 'service/id'",
});
const node = z.union([z.string(), z.number().int().positive().transform(String)], {
  error: 'a node: its number or its address',
});
const dryRun = z.boolean({ error: 'true or false' }).default(false);
const commandShape = z.discriminatedUnion(
  'command',
  [
    z.strictObject({
      command: z.literal('stop'),
      instance,
      hard: z.boolean({ error: 'true or false' }).default(false),
    }),
    z.strictObject({
      command: z.literal('scale'),
      service: z.string({ error: 'the name of a service' }),
      replicas: z.number({ error: 'a number' }).int({ error: 'a whole number' }).nonnegative({ error: '0 or more' }),
      dry_run: dryRun,
    }),
    z.strictObject({ command: z.literal('migrate'), instance, to: node.nullable().default(null), dry_run: dryRun }),
    z.strictObject({ command: z.literal('drain'), node, dry_run: dryRun }),
    z.strictObject({ command: z.literal('uncordon'), node }),
    z.strictObject({ command: z.literal('confirm-lost'), node: node.nullable().default(null) }),
    z.strictObject({
      command: z.literal('apply'),
      file: z.string({ error: 'the name of the file, for problems in it' }).max(FILE_NAME_MAX, {
        error: `a name of at most ${FILE_NAME_MAX} characters`,
      }),
      text: z.string({ error: 'the text of a graph file' }),
      policies: z
        .record(z.string(), z.string().max(POLICY_CODE_MAX), {
          error: `a map of policy files and their compiled code, at most ${POLICY_CODE_MAX} characters each`,
        })
        .default({}),
      dry_run: dryRun,
    }),
    z.strictObject({ command: z.literal('shutdown') }),
  ],
  { error: 'stop, scale, migrate, drain, uncordon, confirm-lost, apply or shutdown' },
) satisfies z.ZodType<Exclude<Command, { command: 'apply' }> | ApplyBody>;

export interface CommandReply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Reads a body; an error says what was sent and what was expected. */
export function readCommand(text: string): { readonly command: Command } | { readonly error: ErrorBody } {
  const sent = text.slice(0, SENT_SHOWN_MAX);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const message = `the body is no JSON: ${(error as Error).message}`;
    return { error: errorBody(400, message, { sent, expected: EXPECTED }) };
  }
  const read = commandShape.safeParse(value);
  if (read.success) return read.data.command === 'apply' ? readGraph(read.data) : { command: read.data };
  const problems = read.error.issues.map(({ path, message, code, ...issue }) => {
    const place = path.length === 0 ? 'the body' : `'${path.join('.')}'`;
    if (code !== 'unrecognized_keys') return `${place}: expected ${message}`;
    return `${place} has unknown keys: ${(issue as { keys?: string[] }).keys?.join(', ') ?? ''}`;
  });
  return { error: errorBody(400, `not a command: ${problems.join('; ')}`, { sent, expected: EXPECTED }) };
}

/** A file with problems changes nothing: each is told with its line, and the core never hears of it. */
function readGraph(body: ApplyBody): { readonly command: Command } | { readonly error: ErrorBody } {
  const { file, text, policies, dry_run } = body;
  const result = parseGraph(text, file);
  if (result.ok) {
    const graph = withCode(result.graph, policies);
    if (typeof graph !== 'string') return { command: { command: 'apply', graph, file, dry_run } };
    const message = `${file} names the policy ${graph}, and 'policies' has no compiled code of it ('ssmmp apply' sends it)`;
    return { error: errorBody(400, message, { expected: { policies: { [graph]: 'CommonJS' } } }) };
  }
  const { problems } = result;
  return { error: errorBody(400, problems.map(formatProblem).join('\n'), { problems }) };
}

/** The graph with the code of its policy files; the name of one that has none. */
function withCode(graph: Graph, codes: Readonly<Record<string, string>>): Graph | string {
  const policies: Partial<Record<PolicyKind, unknown>> = { ...graph.policies };
  for (const kind of POLICY_KINDS) {
    const policy = graph.policies[kind];
    if (typeof policy !== 'object') continue;
    const code = Object.hasOwn(codes, policy.file) ? codes[policy.file] : undefined;
    if (code === undefined) return policy.file;
    policies[kind] = { file: policy.file, code };
  }
  return { ...graph, policies: policies as unknown as GraphPolicies };
}

/** Requests that wait for the core's `reply`. */
export class Commands {
  private readonly waiting = new Map<number, (reply: CommandReply) => void>();
  private readonly input: (input: Unstamped<ManagerInput>) => void;
  private lastRequest = 0;

  constructor(input: (input: Unstamped<ManagerInput>) => void) {
    this.input = input;
  }

  /** Gives a command to the core; resolves with its reply, never rejects. */
  ask(command: Command): Promise<CommandReply> {
    if (this.waiting.size >= COMMANDS_MAX)
      return Promise.resolve(asReply(errorBody(429, `${COMMANDS_MAX} commands wait for their reply; try again later`)));
    const request = (this.lastRequest += 1);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const message = `${command.command} is not done after ${COMMAND_MS / 1000} s; it goes on`;
        this.reply(request, 504, { ...errorBody(504, message) });
      }, COMMAND_MS);
      this.waiting.set(request, (reply) => {
        clearTimeout(timer);
        resolve(reply);
      });
      this.input({ kind: 'command_received', request, body: command });
    });
  }

  /** The core's reply. One nobody waits for (it was asked before a restart) is dropped. */
  reply(request: number, status: number, body: CommandReply['body']): void {
    const answer = this.waiting.get(request);
    this.waiting.delete(request);
    answer?.({ status, body });
  }

  /** Answers all that wait: the Manager cannot go on. */
  fail(message: string): void {
    for (const request of [...this.waiting.keys()]) this.reply(request, 503, { ...errorBody(503, message) });
  }
}

function asReply(error: ErrorBody): CommandReply {
  return { status: error.status, body: { ...error } };
}
