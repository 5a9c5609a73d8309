/**
 * Items of lab 10: programs are started, shut down, and their ends reported.
 */
import { expectEqual, Unmet } from '../../runner/api.ts';
import type { CheckItems } from '../../runner/api.ts';
import { Bench, isAlive, SECRET } from '../driver/bench.ts';
import { PLUGS, SESSION_ID, SOCKETS, UNKNOWN_ID } from '../driver/fields.ts';
import { mustBe, mustHaveStatus } from '../driver/manager.ts';
import { linesOf, say, valueOf } from '../driver/wire.ts';
import type { Fields } from '../driver/wire.ts';

const ACK_OF_41: Fields = {
  source_service_name: 'talker',
  source_service_instance_id: 41,
  source_plug_port: 20_041,
  dest_socket_new_port: 54_000,
  status: 504,
};
export const life: CheckItems = {
  async 'starts-programs'(work) {
    const bench = await Bench.start(work);
    await bench.register();
    const exchange = bench.execute('talker', 5, SOCKETS, PLUGS);
    const puppet = await bench.puppets.started(5);
    const args = ['talker', '5', bench.address, SOCKETS, PLUGS];
    expectEqual('the arguments of the program', puppet.started.args, args, {
      remark: 'Five arguments, in this order; each configuration is one argument, also when it is empty.',
    });
    if (puppet.started.environment.includes(SECRET))
      throw new Unmet({
        expected: 'a clean environment: PATH, HOME, LANG and little else',
        came: `the child sees ${SECRET}, a secret of its agent`,
      });
    await puppet.dial();
    await bench.manager.barrier(bench.address);
    bench.mustNotHaveCome(
      'no execution_response before the instance has said hello (R26)',
      ({ id }) => id === String(exchange),
    );
    puppet.say(bench.hello(5));
    await bench.executed(exchange, 200, 'the instance has said hello');
    await bench.manager.barrier(bench.address);
    bench.mustNotHaveCome(
      'the hello stays with the agent (R25)',
      ({ type }) => type === 'service_instance_health_response',
    );
  },

  async 'ready-or-not'(work) {
    const bench = await Bench.start(work);
    await bench.register();
    const unknown = bench.execute('nobody', 10);
    await bench.executed(unknown, 404, 'no such service in the repository (R27)');
    const elsewhere = bench.execute('talker', 11, '', '', '127.98.7.6');
    await bench.executed(elsewhere, 421, 'that is not my address (R28)');
    const short = bench.execute('short', 12);
    await bench.executed(short, 500, 'the program ended before it was ready (R26)');
    const silent = bench.execute('listener', 13, SOCKETS);
    const puppet = await bench.puppets.started(13);
    await puppet.listen(54_001);
    await bench.executed(silent, 200, 'it says no hello, but every configured socket accepts a connection (R26)');
    const again = bench.execute('listener', 13, SOCKETS);
    await bench.executed(again, 200, 'this instance runs already (R28)');
    expectEqual('processes of instance 13', bench.puppets.all.filter(({ id }) => id === 13).length, 1);
  },

  async 'shuts-down'(work) {
    const bench = await Bench.start(work);
    await bench.register();
    const polite = await bench.running('talker', 41);
    const ask = bench.manager.ask('graceful_shutdown_request', { service_name: 'talker', service_instance_id: 41 });
    const down = say('graceful_shutdown_request', ask, 'agent_to_service_instance', {
      service_name: 'talker',
      service_instance_id: 41,
    });
    await polite.exactly(down);
    // A last report and the answer in one packet: when the report has come, the agent has read the answer too. The instance
    // still runs, and "off" needs proof of death (R31).
    const last = say('session_ack', SESSION_ID, 'service_to_agent', ACK_OF_41);
    polite.say(last + say('graceful_shutdown_response', ask, 'service_instance_to_agent', { status: 200 }));
    await bench.manager.exactly(say('session_ack', SESSION_ID, 'agent_to_Manager', ACK_OF_41));
    await bench.manager.barrier(bench.address);
    bench.mustNotHaveCome(
      'graceful_shutdown_response only once the process is gone (R31)',
      ({ id }) => id === String(ask),
    );
    polite.exit(0);
    await bench.manager.exactly(say('graceful_shutdown_response', ask, 'agent_to_Manager', { status: 200 }));

    const stubborn = await bench.running('talker', 42);
    const kill = bench.manager.ask('hard_shutdown_request', { service_name: 'talker', service_instance_id: 42 });
    const answer = await bench.manager.answer('hard_shutdown_response', kill);
    mustHaveStatus(answer, 200, 'killed and reaped', bench.manager.tail());
    expectEqual('the process of talker/42 still runs when the answer comes', isAlive(stubborn.started.pid), false);
    const nobody = bench.manager.ask('hard_shutdown_request', {
      service_name: 'talker',
      service_instance_id: UNKNOWN_ID,
    });
    mustHaveStatus(
      await bench.manager.answer('hard_shutdown_response', nobody),
      404,
      'no such instance (R34)',
      bench.manager.tail(),
    );
    await bench.manager.barrier(bench.address);
    bench.mustNotHaveCome(
      'no termination report for an end that the Manager asked for (R30)',
      ({ type }) => type === 'service_instance_termination_info',
    );
  },

  async 'reports-ends'(work) {
    const bench = await Bench.start(work);
    await bench.register();
    const [crashes, leaves] = [await bench.running('talker', 51), await bench.running('talker', 52)];
    process.kill(crashes.started.pid, 'SIGKILL');
    const fields = (id: number): Fields => ({
      service_name: 'talker',
      service_instance_id: id,
      service_instance_network_address: bench.address,
    });
    const report = async (id: number): Promise<string> => {
      const heard = await bench.manager.next(
        `a service_instance_termination_info for instance ${id}`,
        (one) => one.type === 'service_instance_termination_info' && valueOf(one, 'service_instance_id') === String(id),
      );
      const lines = linesOf(say('service_instance_termination_info', 0, 'agent_to_Manager', fields(id)));
      mustBe(
        heard,
        lines.map(([name, contents]) => [name, name === 'message_id' ? null : contents] as const),
        bench.manager.tail(),
      );
      return valueOf(heard, 'x_exit');
    };
    expectEqual('x_exit of the instance that was killed', await report(51), 'signal SIGKILL', {
      page: 'docs/rulings.md',
    });
    // An end by business logic: the instance reports it, then exits. One message a death.
    leaves.say(say('service_instance_termination_info', 1005, 'service_instance_to_agent', fields(52)));
    leaves.exit(0);
    const exit = await report(52);
    expectEqual('an end by business logic has no x_exit but code 0', ['', 'code 0'].includes(exit), true);
    // Whatever its status, this answer means that the process is reaped; a second report would have come by then.
    const kill = bench.manager.ask('hard_shutdown_request', { service_name: 'talker', service_instance_id: 52 });
    await bench.manager.answer('hard_shutdown_response', kill);
    await bench.manager.barrier(bench.address);
    bench.mustNotHaveCome('one report a death (R30)', ({ type }) => type === 'service_instance_termination_info');
  },
};
