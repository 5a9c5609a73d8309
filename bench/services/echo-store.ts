// Bench service: the end of the data path. Answers every request on its only socket with what the request held.
import { runService } from '../../services/kit/main.ts';

runService((context) => ({
  sockets: {
    [context.socketNames[0] as string]: (request) => ({ type: 'echo_response', rest: request.rest }),
  },
}));
