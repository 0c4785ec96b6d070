// talweg completion: what lets a shell complete commands, options and their values, made from the
// options themselves.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <vector>

#include "ocr/cli/command.h"

namespace talweg::ocr::cli {

namespace {

/// What one command takes.
struct Words {
  struct Option {
    std::vector<std::string> names;   ///< with their hyphens
    std::vector<std::string> values;  ///< those it can have, where they are few
    bool takes_value = false;
    std::string description;
  };
  std::string command, description;
  std::vector<Option> options;
};

/// The values of a choice, which CLI11 writes as TEXT:{one,two}.
std::vector<std::string> values_of(const std::string& type) {
  std::vector<std::string> values;
  const std::size_t open = type.find('{'), close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return values;
  for (std::size_t at = open + 1; at <= close;) {
    const std::size_t end = std::min(type.find(',', at), close);
    values.push_back(type.substr(at, end - at));
    at = end + 1;
  }
  return values;
}

std::vector<Words> words_of(const CLI::App& program) {
  std::vector<Words> all;
  for (const CLI::App* command : program.get_subcommands({})) {
    Words words{command->get_name(), command->get_description(), {}};
    for (const CLI::Option* option : command->get_options()) {
      Words::Option o;
      for (const std::string& name : option->get_snames()) o.names.push_back("-" + name);
      for (const std::string& name : option->get_lnames()) o.names.push_back("--" + name);
      o.values = values_of(option->get_type_name());
      o.takes_value = option->get_items_expected_max() > 0;
      o.description = option->get_description();
      if (!o.names.empty()) words.options.push_back(std::move(o));
    }
    all.push_back(std::move(words));
  }
  return all;
}

std::string joined(const std::vector<std::string>& parts, const char* between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : between) + part;
  return text;
}

void print(const std::string& text) { std::fputs(text.c_str(), stdout); }

/// `case` of the option before the cursor, then of the command; files where neither says more.
void print_bash(const std::vector<Words>& all) {
  std::vector<std::string> commands;
  for (const Words& w : all) commands.push_back(w.command);
  print(
      "_talweg() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=\n"
      "  COMPREPLY=()\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    COMPREPLY=($(compgen -W '" +
      joined(commands, " ") +
      " --help --version' -- \"$word\"))\n"
      "    return\n"
      "  fi\n"
      "  case ${COMP_WORDS[1]}:$before in\n");
  for (const Words& w : all) {
    for (const Words::Option& o : w.options) {
      std::vector<std::string> places;
      for (const std::string& name : o.names) places.push_back(w.command + ":" + name);
      if (o.values.empty()) continue;
      print("    " + joined(places, "|") + ") words='" + joined(o.values, " ") + "' ;;\n");
    }
  }
  print(
      "    *) if [[ $word == -* ]]; then\n"
      "      case ${COMP_WORDS[1]} in\n");
  for (const Words& w : all) {
    std::vector<std::string> names;
    for (const Words::Option& o : w.options) {
      names.insert(names.end(), o.names.begin(), o.names.end());
    }
    print("        " + w.command + ") words='" + joined(names, " ") + "' ;;\n");
  }
  print(
      "      esac\n"
      "    fi ;;\n"
      "  esac\n"
      "  [[ $words ]] && COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "}\n"
      "complete -o default -F _talweg talweg\n");
}

/// zsh understands bash's description.
void print_zsh(const std::vector<Words>& all) {
  print("#compdef talweg\nautoload -U +X bashcompinit && bashcompinit\n");
  print_bash(all);
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "'";
}

void print_fish(const std::vector<Words>& all) {
  for (const Words& w : all) {
    print("complete -c talweg -n __fish_use_subcommand -xa " + w.command + " -d " +
          quoted(w.description) + "\n");
    for (const Words::Option& o : w.options) {
      print("complete -c talweg -n '__fish_seen_subcommand_from " + w.command + "'");
      for (const std::string& name : o.names) {
        print(name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1));
      }
      if (!o.values.empty()) {
        print(" -xa " + quoted(joined(o.values, " ")));
      } else if (o.takes_value) {
        print(" -r");
      }
      print(" -d " + quoted(o.description) + "\n");
    }
  }
}

}  // namespace

void add_completion(CLI::App& app, const Settings&) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("completion", "Prints what completes talweg's command lines in a shell");
  command->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer("Example: source <(talweg completion bash)");
  command->callback([&app, shell] {
    const std::vector<Words> all = words_of(app);
    if (*shell == "fish") return print_fish(all);
    *shell == "zsh" ? print_zsh(all) : print_bash(all);
  });
}

}  // namespace talweg::ocr::cli
