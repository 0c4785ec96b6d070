// talweg man: the manual page, made from the options themselves, so that it can't fall behind.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "ocr/cli/command.h"

namespace talweg::ocr::cli {

namespace {

/// Text as troff takes it: hyphens that are minus signs, no line that would be a request.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool line_start = out.empty() || out.back() == '\n';
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

void print(const std::string& text) { std::fputs(text.c_str(), stdout); }

void print_option(const CLI::Option& option) {
  const bool positional = option.get_positional() && !option.nonpositional();
  std::string head = "\\fB" + escaped(option.get_name(positional, true)) + "\\fR";
  const std::string type = option.get_type_name();
  if (option.get_items_expected_max() > 0 && !type.empty()) {
    head += " \\fI" + escaped(type) + "\\fR";
  }
  print(".TP\n" + head + "\n" + escaped(option.get_description()));
  if (const std::string usual = option.get_default_str(); !usual.empty()) {
    print(" (default " + escaped(usual) + ")");
  }
  print("\n");
}

/// `name` with its options; commands below it follow.
void print_command(const CLI::App& command, const std::string& name) {
  print(".SS " + escaped(name) + "\n" + escaped(command.get_description()) + ".\n");
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_name() != "--help" && !option->get_group().empty()) print_option(*option);
  }
  if (const std::string footer = command.get_footer(); !footer.empty()) {
    print(".PP\n.nf\n" + escaped(footer) + "\n.fi\n");
  }
  for (const CLI::App* below : command.get_subcommands({})) {
    print_command(*below, name + " " + below->get_name());
  }
}

void print_page(const CLI::App& program) {
  print(".TH TALWEG 1 \"\" \"talweg " TALWEG_VERSION "\" \"User commands\"\n");
  print(".SH NAME\ntalweg \\- reads words, and trains what reads them\n");
  print(".SH SYNOPSIS\n.B talweg\n\\fICOMMAND\\fR [\\fIOPTION\\fR...]\n");
  print(".SH DESCRIPTION\n" + escaped(program.get_description()) + "\n");
  print(".SH COMMANDS\n");
  for (const CLI::App* command : program.get_subcommands({})) {
    print_command(*command, command->get_name());
  }
  print(
      ".SH EXIT STATUS\n.TP\n0\nall was done\n.TP\n1\nsomething failed; one sentence on standard "
      "error says what, and what to do\n.TP\n2\nthe command line can't be meant\n");
  print(
      ".SH ENVIRONMENT\n.TP\nTALWEG_MODEL\nthe model file where none is named\n"
      ".TP\nTALWEG_ISA\nthe instruction set of the kernels: portable, avx2 or avx512 (default: the "
      "best that the processor has)\n"
      ".TP\nOMP_NUM_THREADS\nthreads, where \\-\\-threads is not given\n");
}

}  // namespace

void add_man(CLI::App& app, const Settings&) {
  CLI::App* command = app.add_subcommand("man", "Prints the manual page, for man(1)");
  command->footer("Example: talweg man | man -l -");
  command->callback([&app] { print_page(app); });
}

}  // namespace talweg::ocr::cli
