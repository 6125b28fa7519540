#!/bin/sh
# Every message of the sources in po/POTFILES.in is translated in every catalogue, with the same printf conversions, and no
# source that translates is missing from POTFILES.in. Runs in the root of the sources.
set -eu
if ! command -v xgettext >/dev/null || ! command -v msgcmp >/dev/null; then
  echo "gettext is not installed: skipped"
  exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
xgettext --from-code=UTF-8 --language=C --keyword=_ --keyword=N_ -f po/POTFILES.in -o "$dir/sekisho.pot"
while read -r language; do
  echo "po/$language.po"
  msgfmt --check --check-format --statistics -o "$dir/$language.mo" "po/$language.po"
  msgcmp "po/$language.po" "$dir/sekisho.pot"
done <po/LINGUAS
for source in $(grep -lE '\b(_|N_)\("' base/*.c policy/*.c core/*.c); do
  grep -qx "$source" po/POTFILES.in || { echo "$source is not in po/POTFILES.in"; exit 1; }
done
