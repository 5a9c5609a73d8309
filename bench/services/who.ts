// Bench service: answers every request on its only socket with its own instance id, so that a bench sees who served it.
import { runService } from '../../services/kit/main.ts';

runService((context) => {
  const rest = ` ~ Line_1: ${context.instanceId}`;
  return { sockets: { [context.socketNames[0] as string]: () => ({ type: 'echo_response', rest }) } };
});
