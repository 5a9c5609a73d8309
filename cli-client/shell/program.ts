/**
 * The command line: commander's tree made from core/verbs.ts, and running one line of words with it. The shell (repl.ts)
 * runs its lines with the same tree.
 */
import { Command, CommanderError, Option } from 'commander';
import { EXIT } from '../core/exit.ts';
import type { OutputFormat } from '../core/render.ts';
import { OUTPUT_FORMATS } from '../core/render.ts';
import { FILE_TRANSFER, FILE_TRANSFER_VERBS, VERBS } from '../core/verbs.ts';
import type { Verb, VerbName } from '../core/verbs.ts';
import type { Given } from './commands.ts';
import type { Io } from './io.ts';

const EXAMPLES = `Examples:
  cnapp register ada                 register, with a hidden prompt for the password
  cnapp login ada                    log in; the next commands find the token
  cnapp send-post "Hello"            send a post (or: echo Hello | cnapp send-post -)
  cnapp last-posts                   the last ten posts of all users
  cnapp send-file holiday.jpg        send a file; cut off, the same command goes on
  cnapp get-file holiday.jpg --out /tmp
  cnapp shell                        all of it interactively, with history and Tab
`;

const AFTER = `
Environment (a flag wins over it): CNAPP_GATEWAY, CNAPP_DNS, CNAPP_TOKEN_FILE, CNAPP_OUTPUT, SSMMP_STATE_DIR, NO_COLOR.
Without --gateway and CNAPP_GATEWAY: the cluster that runs in this folder (.ssmmp), else 127.0.0.11:8080.
A gateway's name, such as the alias of the graph, is looked up in the DNS of --dns, CNAPP_DNS or that cluster.
Exit codes: 0 done, 1 failed, 3 gateway not reached, 4 not logged in, 64 wrong usage, 130 interrupted.`;

/** What the options before and behind the verb say. */
export interface ProgramOptions {
  readonly gateway: string | null;
  readonly dns: string | null;
  readonly tokenFile: string | null;
  readonly output: OutputFormat;
}

/** What a line of words comes to. */
export type Parsed =
  | { readonly kind: 'verb'; readonly verb: VerbName; readonly given: Given; readonly options: ProgramOptions }
  | { readonly kind: 'shell'; readonly options: ProgramOptions }
  /** Help was printed, or what is wrong. */
  | { readonly kind: 'over'; readonly exit: 0 | 64 };

/** Reads a line of words. `isShell`: arguments may be left out, to be asked for; options that belong to the run are gone. */
export function parseWords(words: readonly string[], io: Io, output: OutputFormat, isShell: boolean): Parsed {
  let found: { kind: 'verb'; verb: VerbName; given: Given } | { kind: 'shell' } | null = null;
  const program = buildProgram(io, output, isShell, (result) => (found = result));
  try {
    program.parse(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const isHelp =
      error.code === 'commander.helpDisplayed' || (error.code === 'commander.help' && error.exitCode === 0);
    return { kind: 'over', exit: isHelp ? EXIT.done : EXIT.usage };
  }
  const result = found as { kind: 'verb'; verb: VerbName; given: Given } | { kind: 'shell' } | null;
  if (result === null) return { kind: 'over', exit: EXIT.done };
  const options = program.opts<{ gateway?: string; tokenFile?: string; output: OutputFormat; dns?: string }>();
  const { gateway = null, dns = null, tokenFile = null } = options;
  const read = { gateway, dns, tokenFile, output: options.output };
  return { ...result, options: read };
}

type Found = (result: { kind: 'verb'; verb: VerbName; given: Given } | { kind: 'shell' }) => void;

function buildProgram(io: Io, output: OutputFormat, isShell: boolean, onFound: Found): Command {
  const program = new Command('cnapp');
  program
    .description('The client of the social network: register, log in, post, read, send and get files.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showHelpAfterError('(cnapp --help shows examples)')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', AFTER)
    .addOption(
      new Option('-o, --output <format>', 'how to print what was asked for').choices(OUTPUT_FORMATS).default(output),
    );
  if (!isShell) {
    program
      .option('--gateway <host[:port]>', 'the gateway, or several separated by commas')
      .option('--dns <addr[:port]>', "the Manager's DNS, where the names of gateways are looked up (port 55557)")
      .option('--token-file <file>', 'where the login is kept (default: ~/.config/cnapp/token)');
    program
      .command('shell')
      .description('a prompt for all of these, with history and Tab completion')
      .addHelpText('before', 'Examples:\n  cnapp shell\n  cnapp shell < script.txt\n')
      .action(() => onFound({ kind: 'shell' }));
  }
  for (const verb of VERBS) addVerb(program, verb, isShell, onFound);
  addFileTransfer(program, onFound);
  return program;
}

function addVerb(program: Command, verb: Verb, isShell: boolean, onFound: Found): void {
  const command = program
    .command(verb.name)
    .aliases([...verb.aliases])
    .description(verb.help)
    .addHelpText('before', `Examples:\n${verb.examples.map((example) => `  ${example}\n`).join('')}`);
  if (verb.argument !== null) {
    // A text may be several words, as with echo.
    const name = verb.argument.takes === 'text' ? `${verb.argument.name}...` : verb.argument.name;
    command.argument(isShell ? `[${name}]` : `<${name}>`, verb.argument.help);
  }
  for (const option of verb.options) command.option(option.flags, option.help);
  command.action(() => {
    const argument = command.args.length === 0 ? null : command.args.join(' ');
    onFound({ kind: 'verb', verb: verb.name, given: { argument, options: command.opts() } });
  });
}

/** The slides' mode `file_transfer`: which of its three verbs is its first word. */
function addFileTransfer(program: Command, onFound: Found): void {
  const group = program
    .command(FILE_TRANSFER)
    .alias('file-transfer')
    .description('send, get or list files: the name that the slides give to these three')
    .addHelpText(
      'before',
      `Examples:\n  cnapp ${FILE_TRANSFER} send holiday.jpg\n  cnapp ${FILE_TRANSFER} get holiday.jpg\n`,
    );
  for (const [word, name] of Object.entries(FILE_TRANSFER_VERBS)) {
    const verb = VERBS.find((candidate) => candidate.name === name) as Verb;
    addVerb(group, { ...verb, name: word as VerbName, aliases: [] }, false, (result) => {
      onFound(result.kind === 'verb' ? { ...result, verb: name } : result);
    });
  }
}
