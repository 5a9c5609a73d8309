// Bench service: the middle of the data path. Passes every request of its only socket on over its only plug.
import { runService } from '../../services/kit/main.ts';

runService((context) => {
  const plug = context.plug(context.plugNames[0] as string);
  return {
    sockets: {
      [context.socketNames[0] as string]: (request, _session, answer) => {
        plug.forward(request.type, request.rest, (response, error) => {
          if (response !== null) answer(response.type, response.rest);
          else answer('error_response', ` ~ Line_3: ${error?.message ?? ''}`);
        });
      },
    },
  };
});
