/**
 * The verbs of `cnapp`, once: what the command line, the shell, its help and its completion know about them. What a
 * verb does is in shell/commands.ts.
 */

/** What an argument or option takes, for completion and for asking in the shell. */
export type Takes = 'user' | 'text' | 'localFile' | 'serverFile' | 'path' | 'name';

export interface VerbOption {
  /** As commander writes it, `--name <N>`. */
  readonly flags: string;
  readonly help: string;
}

export interface Verb {
  readonly name: VerbName;
  /** Other names: with underscores, and the mode names of the slides. */
  readonly aliases: readonly string[];
  readonly argument: {
    readonly name: string;
    readonly takes: Takes;
    readonly help: string;
    readonly ask: string;
  } | null;
  readonly options: readonly VerbOption[];
  readonly help: string;
  readonly examples: readonly string[];
}

export type VerbName =
  'register' | 'login' | 'logout' | 'whoami' | 'send-post' | 'last-posts' | 'send-file' | 'get-file' | 'list-files';

const USER = {
  name: 'user',
  takes: 'user',
  help: 'user name, 3 to 32 of A-Z a-z 0-9 _ . -',
  ask: 'User name: ',
} as const;

export const VERBS: readonly Verb[] = [
  {
    name: 'register',
    aliases: ['registration'],
    argument: USER,
    options: [{ flags: '--password-stdin', help: 'read the password from the first line of stdin' }],
    help: 'register a new user; asks for the password',
    examples: ['cnapp register ada', 'cnapp register ada --password-stdin < password.txt'],
  },
  {
    name: 'login',
    aliases: ['log-in', 'log_in', 'signin'],
    argument: USER,
    options: [{ flags: '--password-stdin', help: 'read the password from the first line of stdin' }],
    help: 'log in; keeps a token in the token file for the next commands (12 hours)',
    examples: ['cnapp login ada', 'cnapp login ada --token-file ada.token'],
  },
  {
    name: 'logout',
    aliases: ['log-out', 'log_out', 'signout'],
    argument: null,
    options: [],
    help: 'make the token worthless and remove it',
    examples: ['cnapp logout'],
  },
  {
    name: 'whoami',
    aliases: ['who_am_i'],
    argument: null,
    options: [],
    help: 'print the user that the token file is for (does not ask the gateway)',
    examples: ['cnapp whoami'],
  },
  {
    name: 'send-post',
    aliases: ['send_post', 'post'],
    argument: { name: 'text', takes: 'text', help: 'the post; - reads it from stdin', ask: 'Text: ' },
    options: [],
    help: 'send a post of 1 to 4096 bytes; prints its id',
    examples: [
      'cnapp send-post "Hello, everybody"',
      'fortune | cnapp send-post -',
      'cnapp send-post -- "-: a dash first"',
    ],
  },
  {
    name: 'last-posts',
    aliases: ['last_posts', 'retrieve_last_10_posts', 'retrieve-last-10-posts', 'table'],
    argument: null,
    options: [],
    help: 'print the last ten posts of all users, newest first',
    examples: ['cnapp last-posts', 'cnapp last-posts -o json | jq -r ".[].text"'],
  },
  {
    name: 'send-file',
    aliases: ['send_file'],
    argument: { name: 'path', takes: 'localFile', help: 'the file; - reads stdin (needs --name)', ask: 'Path: ' },
    options: [{ flags: '--name <name>', help: 'the name to store it under (default: the last part of PATH)' }],
    help: 'send a file of at most 2 GiB; one that was cut goes on where it stopped',
    examples: [
      'cnapp send-file holiday.jpg',
      'cnapp send-file /tmp/x --name notes.txt',
      'tar c . | cnapp send-file - --name all.tar',
    ],
  },
  {
    name: 'get-file',
    aliases: ['get_file'],
    argument: { name: 'name', takes: 'serverFile', help: 'the name it is stored under', ask: 'Name: ' },
    options: [{ flags: '--out <path>', help: 'where to write it (default: NAME here; a folder; - for stdout)' }],
    help: 'get one of your files; one that was cut goes on where it stopped',
    examples: ['cnapp get-file holiday.jpg', 'cnapp get-file all.tar --out - | tar t'],
  },
  {
    name: 'list-files',
    aliases: ['list_files', 'files'],
    argument: null,
    options: [],
    help: 'list your files',
    examples: ['cnapp list-files', 'cnapp list-files -o name'],
  },
];

/** The mode of the slides that is two verbs here: `file_transfer send PATH`, `get NAME`, `list`. */
export const FILE_TRANSFER = 'file_transfer';
export const FILE_TRANSFER_VERBS: Readonly<Record<string, VerbName>> = {
  send: 'send-file',
  get: 'get-file',
  list: 'list-files',
};
/** Words that only the shell knows. */
export const SHELL_WORDS: readonly string[] = ['help', 'exit', 'quit'];

/** The verb of a name or an alias; null when there is none. */
export function verbOf(word: string): Verb | null {
  return VERBS.find((verb) => verb.name === word || verb.aliases.includes(word)) ?? null;
}
