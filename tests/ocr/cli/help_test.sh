#!/usr/bin/env bash
# The manual page and the shells' completions, which the program makes of its own options.
# usage: help_test.sh TALWEG SCRATCH_FOLDER
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.sh" "$1" "$2"

commands=$("$talweg" --help | sed -n '/^Subcommands:/,$s/^  \([a-z]*\) .*/\1/p')
[[ $(wc -w <<<"$commands") -ge 14 ]] || fail "--help names only: $commands"

# --- the manual page names every command, and is troff without a warning where there is a troff ---
"$talweg" man >talweg.1
for command in $commands; do
  grep -q "^\.SS $command\$" talweg.1 || fail "the manual page leaves out $command"
done
grep -qF '\fB\-f,\-\-format\fR' talweg.1 || fail "the manual page does not show -f, --format"
if command -v groff >/dev/null; then
  groff -K utf8 -man -Tutf8 -ww -z talweg.1 2>warnings.txt || fail "the manual page is no troff"
  [[ ! -s warnings.txt ]] || fail "groff says: $(head -n 2 warnings.txt)"
fi

# --- bash: commands, options and the values of choices ---
"$talweg" completion bash >talweg.bash
source talweg.bash
complete_line() { # complete_line WORD...: what bash would offer for the last of them
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  COMPREPLY=()
  _talweg
  echo "${COMPREPLY[*]}"
}
[[ $(complete_line talweg rea) == read ]] || fail "'rea' is not completed to read"
[[ $(complete_line talweg read --form) == --format ]] || fail "--form is not completed"
[[ $(complete_line talweg read -f '') == *hocr* ]] || fail "the formats are not offered"
[[ $(complete_line talweg read --format al) == alto ]] || fail "al is not completed to alto"
[[ -z $(complete_line talweg read pic) ]] || fail "files are the shell's own to complete"
for command in $commands; do
  [[ $(complete_line talweg "$command" --hel) == --help ]] || fail "$command --hel is not completed"
done

# --- the other shells: their own syntax check where they are installed ---
"$talweg" completion zsh >_talweg
[[ $(head -n 1 _talweg) == '#compdef talweg' ]] || fail "zsh would not take its completion"
"$talweg" completion fish >talweg.fish
grep -q "__fish_seen_subcommand_from read' -s f -l format -xa 'txt tsv" talweg.fish ||
  fail "fish is not told the formats"
if command -v fish >/dev/null; then fish --no-execute talweg.fish || fail "fish: syntax"; fi
if command -v zsh >/dev/null; then zsh -n _talweg || fail "zsh: syntax"; fi
expect 2 'bash,zsh,fish' "$talweg" completion csh
[[ $failures == 0 ]] || exit 1
echo "the manual page and completions are whole"
