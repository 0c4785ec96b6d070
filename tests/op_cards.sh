#!/usr/bin/env bash
# An op without a card fails: whatever makes a node of a name of its own, or gives one a rule, is an
# op that TALWEG_OP_CARD describes and check_op checks, or one of the few below.
# usage: op_cards.sh ROOT [FILE...]: looks at the sources under ROOT, and at FILE... too
set -euo pipefail
cd "$1"
shift
readonly -a known=(
  # functions that several ops share, whose cards have their cases
  conv2d_then       # conv_bias, conv_bias_relu, conv_bias_relu_pool
  max_pool2d_bytes  # max_pool2d
  soft_alignment    # soft_free_energy and its kin
  # rules inside larger things that have tests of their own
  forward_score min_over_latent of spectral_norm on_gradient  # of: SpectralNorm's
  checkpoint doorway checkpoint_input  # a function given by the user, and its inputs
  # values that rules and ops make on their way: no gradient goes through them
  constant shares no_path dropout_mask
  softmax_gradient logsumexp_gradient log_softmax_gradient cross_entropy_gradient
  batch_norm_gradient
)
mapfile -t files < <(find core/ops core/study ebm nn \( -name '*.h' -o -name '*.cpp' \) | sort)
awk -v known="${known[*]}" '
  function name_in(text, pattern) {  # the name behind what the pattern matches
    if (!match(text, pattern)) return ""
    text = substr(text, RSTART + RLENGTH)
    match(text, /^[a-z_0-9]+/)
    return substr(text, 1, RLENGTH)
  }
  function report(what) { print FILENAME ":" FNR ": " what; failed = 1 }
  BEGIN { n = split(known, words, " "); for (i = 1; i <= n; ++i) has_card[words[i]] = 1 }
  pass == 1 {
    name = name_in($0, "^TALWEG_OP_CARD[(]")
    if (name != "") { has_card[name] = 1; ++cards }
    next
  }
  FNR == 1 { within = "" }
  /^[a-zA-Z].*[ >:*&][a-z_0-9]+\(/ && !/^TALWEG/ {
    match($0, /[ >:*&][a-z_0-9]+\(/)
    within = substr($0, RSTART + 1, RLENGTH - 2)
  }
  /\.wrt\(/ && !/^ *(\/\/|\*)/ {
    ++rules
    if (!(within in has_card)) report(within "() records a rule, but no card describes it")
  }
  {
    name = name_in($0, "(make|view|map|map2|overwrite)[(]\"")
    if (name != "" && !(name in has_card)) report("\"" name "\" has no card")
  }
  END {
    print "op cards: " cards " cards, " rules " rules"
    if (cards < 50 || rules < 50) { print "that is too few: is the pattern still right?"; failed = 1 }
    exit failed
  }' pass=1 "${files[@]}" "$@" pass=2 "${files[@]}" "$@"
