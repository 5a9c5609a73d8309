/**
 * The command `ssmmp`: its options, its commands, how it ends.
 *
 * Lives here: putting the commands together, and turning errors into words and exit codes. Does not live here: what a
 * command does (commands/, one file each).
 */
import { Command, CommanderError, Option } from 'commander';
import { addAgent, addManager } from './commands/actor.ts';
import { addApply, addPlan } from './commands/apply.ts';
import { withExamples } from './commands/command.ts';
import { addConfirmLost } from './commands/confirm-lost.ts';
import { addDemo } from './commands/demo.ts';
import { addDescribe } from './commands/describe.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDown } from './commands/down.ts';
import { addDrain, addUncordon } from './commands/drain.ts';
import { addEvents } from './commands/events.ts';
import { addFault } from './commands/fault.ts';
import { addGet } from './commands/get.ts';
import { addGraph } from './commands/graph.ts';
import { addJournal } from './commands/journal.ts';
import { addKill } from './commands/kill.ts';
import { addLab } from './commands/lab.ts';
import { addLoad } from './commands/load.ts';
import { addLogs } from './commands/logs.ts';
import { addMigrate } from './commands/migrate.ts';
import { addScale } from './commands/scale.ts';
import { addStop } from './commands/stop.ts';
import { addTrace } from './commands/trace.ts';
import { addUp } from './commands/up.ts';
import { errorJson, EXIT, OperatorError, Outcome } from './core/exit-code.ts';
import { OUTPUT_FORMATS } from './core/tables.ts';
import { onClosedPipe, styleFor, tell } from './shell/output.ts';

/** Runs the command line and gives back the exit code. Errors of ours are thrown on: they are bugs and want their stack. */
export async function runProgram(args: readonly string[]): Promise<number> {
  onClosedPipe('end');
  const program = buildProgram();
  try {
    await program.parseAsync([...args], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return exitCodeOf(error);
    if (error instanceof Outcome) return error.exitCode;
    if (!(error instanceof OperatorError)) throw error;
    const isJson = program.opts<{ output?: string }>().output === 'json';
    tell(isJson ? errorJson(error) : `${styleFor(process.stderr).bad('ssmmp:')} ${error.message}`);
    return error.exitCode;
  }
}

/** The whole command tree. */
export function buildProgram(): Command {
  const program = new Command('ssmmp')
    .description('start, watch and break an SSMMP testbed')
    .addOption(new Option('--subnet <a.b.c>', 'the subnet of the cluster (default: 127.0.0)').env('SSMMP_SUBNET'))
    .addOption(
      new Option('--state-dir <dir>', 'where the cluster keeps its state (default: .ssmmp)').env('SSMMP_STATE_DIR'),
    )
    .addOption(
      new Option('--operator-port <port>', "the Manager's port for operators (default: 55570)").env(
        'SSMMP_OPERATOR_PORT',
      ),
    )
    .addOption(
      new Option('-o, --output <format>', 'how data is written')
        .choices(OUTPUT_FORMATS)
        .env('SSMMP_OUTPUT')
        .default('table'),
    )
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(ssmmp COMMAND --help shows examples)')
    .exitOverride();
  withExamples(program, [
    ['ssmmp up', 'start a Manager and three nodes'],
    ['ssmmp get instances', 'what runs where'],
    ['ssmmp kill instance post/5', 'break something'],
    ['ssmmp events --watch', 'and see what happens'],
    ['ssmmp trace --since 10s', 'message by message'],
  ]);
  const adders = [
    addUp,
    addDown,
    addDoctor,
    addGet,
    addDescribe,
    addScale,
    addMigrate,
    addDrain,
    addUncordon,
    addConfirmLost,
    addPlan,
    addApply,
    addStop,
    addKill,
    addFault,
    addDemo,
    addLogs,
    addEvents,
    addTrace,
    addGraph,
    addLoad,
    addJournal,
    addLab,
  ];
  for (const add of [...adders, addManager, addAgent]) add(program);
  return program;
}

/** Asking for help is fine; everything else that commander refuses is a wrong command line. */
function exitCodeOf(error: CommanderError): number {
  const isAskedFor = error.code === 'commander.helpDisplayed' || error.code === 'commander.version';
  return isAskedFor || error.exitCode === 0 ? EXIT.done : EXIT.usage;
}
