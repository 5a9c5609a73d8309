#!/bin/sh
# A program that is no JavaScript, has no socket and says no word of SSMMP. It starts another process, which must
# go when it goes.
echo "mute got $# arguments: $1 $2"
sleep 300 &
echo "child $!"
wait
