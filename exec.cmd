@rem `npm start` says "exec node ..." so that no shell stays between npm and us: a shell would swallow the SIGTERM that npm passes on, and turn exit 0 into 130. The shell of Windows has no exec; this is it.
@%*
