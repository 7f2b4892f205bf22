#!/bin/sh
# What --on-failure starts: one line to the system's log; put your own mail or chat here.
exec logger -t sopkit "cycle ${SOPKIT_CYCLE:-?} ended with $SOPKIT_EXIT_CODE at ${SOPKIT_STEP:-the start}: $SOPKIT_REASON $SOPKIT_PAGE"
