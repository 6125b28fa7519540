#!/bin/sh
# Turns the schema files into one C file: each becomes a string in the order given.
set -eu
out=$1
shift
{
	echo '#include "store/impl.h"'
	echo 'const char *const store_schema[] = {'
	for file in "$@"; do
		sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' "$file"
		echo ','
	done
	echo 'NULL};'
} >"$out"
