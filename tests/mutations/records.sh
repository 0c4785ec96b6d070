# Reads the records of mutations; to be sourced. Record number i is ${name[i]}, ${room[i]} (the record
# file's name), ${path[i]}, ${old[i]}, ${new[i]}, ${program[i]} and ${test[i]}.
shopt -s extglob
room=() name=() path=() old=() new=() program=() test=()

die() {
  echo "mutations: $*" >&2
  exit 1
}
misused() {
  echo "mutations: $*" >&2
  exit 2
}

# read_records FILE...
read_records() {
  local file line i
  for file in "$@"; do
    while IFS= read -r line || [[ -n $line ]]; do
      i=$((${#name[@]} - 1))
      case $line in
        '' | '#'* | 'why:'* | '     '*) ;; # for people
        name:*)
          name+=("$(value "$line")") room+=("$(basename "$file" .txt)")
          path+=('') old+=('') new+=('') program+=('') test+=('')
          ;;
        file:*) path[i]=$(value "$line") ;;
        test:*)
          line=$(value "$line")
          program[i]=${line%%: *} test[i]=${line#*: }
          ;;
        '- '* | '-') old[i]+=${old[i]:+$'\n'}${line:2} ;;
        '+ '* | '+') new[i]+=${new[i]:+$'\n'}${line:2} ;;
        *) die "$(basename "$file"): what is this line? $line" ;;
      esac
    done <"$file"
  done
}
value() {
  local text=${1#*:}
  echo "${text##+( )}"
}

# The text of record i's file, and the same with the change made; a final x keeps ends of lines.
source_of() {
  cat "${path[$1]}"
  echo x
}
mutated() {
  local text LC_ALL=C # byte by byte
  text=$(source_of "$1")
  text=${text%x}
  printf '%s' "${text/"${old[$1]}"/"${new[$1]}"}"
}

# fault I: what is wrong with record i, in one sentence; nothing where it applies.
fault() {
  local text without times i=$1 LC_ALL=C
  [[ -n ${path[i]} && -n ${old[i]} && -n ${program[i]} && -n ${test[i]} ]] ||
    { echo "needs file, test, and lines that begin with - and +" && return; }
  [[ -f ${path[i]} ]] || { echo "there is no file ${path[i]}" && return; }
  [[ ${old[i]} != "${new[i]}" ]] || { echo "changes nothing" && return; }
  text=$(source_of "$i")
  without=${text//"${old[i]}"/}
  times=$(((${#text} - ${#without}) / ${#old[i]}))
  [[ $times == 1 ]] || { echo "its text stands $times times in ${path[i]}: ${old[i]}" && return; }
  if [[ ${program[i]} == ctest ]]; then
    grep -rqwF -- "${test[i]#*_}" tests/CMakeLists.txt || echo "there is no test ${test[i]}"
  else
    grep -rqF --include='*_test.cpp' -- "\"${test[i]}\"" tests || echo "there is no test case '${test[i]}'"
  fi
}
